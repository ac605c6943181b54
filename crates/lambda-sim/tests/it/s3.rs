//! Objects, and S3's `GetObject` and `PutObject`.

use power_tuner_lambda_sim::{Fault, FaultError, FaultRule, OtherRequest};
use serde_json::{Value, json};

use crate::client::{Answer, Lambda, start};

/// As an SDK asks.
fn get(lambda: &Lambda, path: &str) -> Answer {
    lambda.get(&format!("{path}?x-id=GetObject"))
}

fn get_if(lambda: &Lambda, path: &str, etag: &str) -> Answer {
    lambda
        .try_send("GET", path, &[("if-match", etag)], "")
        .expect("an answer")
}

/// The status and the code of an error in S3's form.
fn error(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/xml");
    let after = answer.text.split("<Error><Code>").nth(1).expect("a code");
    let code = after.split("</Code><Message>").next().expect("its end");
    (answer.status, code.to_owned())
}

fn with_object() -> Lambda {
    let lambda = start();
    lambda.sim().put_object("b", "k", *b"{}");
    lambda
}

#[test]
fn an_object_comes_with_its_tag_length_and_date() {
    let lambda = start();
    lambda
        .sim()
        .put_object("b", "events/k.json", *br#"{"n":1}"#);
    let answer = get(&lambda, "/b/events/k.json");
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"n":1}"#));
    assert_eq!(answer.header("content-length"), "7");
    let etag = answer.header("etag");
    assert!(
        etag.len() == 34 && etag.starts_with('"') && etag.ends_with('"'),
        "{etag}"
    );
    let date = answer.header("last-modified");
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    assert!(!answer.header("x-amz-request-id").is_empty());
}

#[test]
fn a_key_may_have_any_characters() {
    let lambda = start();
    let cases = [
        ("/b/a//b/", "a//b/"),
        ("/b/my%20key.json", "my key.json"),
        ("/b/100%25%2Fx%2B+y", "100%/x++y"),
        ("/b/%C3%A4/2015-03-31/functions", "ä/2015-03-31/functions"),
        ("/b/_sim/calls", "_sim/calls"),
    ];
    for (path, key) in cases {
        lambda.sim().put_object("b", key, key);
        let answer = get(&lambda, path);
        assert_eq!((answer.status, answer.text.as_str()), (200, key), "{path}");
    }
}

#[test]
fn a_large_object_is_whole_from_the_handle_and_over_http() {
    let lambda = start();
    let large = "x".repeat(6 << 20);
    lambda.sim().put_object("b", "handle", large.as_str());
    let put = lambda.try_send("PUT", "/_sim/objects/b/over/http", &[], &large);
    assert_eq!(put.expect("an answer").status, 201);
    for path in ["/b/handle", "/b/over/http"] {
        assert!(get(&lambda, path).text == large, "{path}");
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let lambda = with_object();
    let no_key = get(&lambda, "/b/other");
    assert_eq!(error(&no_key), (404, "NoSuchKey".to_owned()));
    let want = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
                <Message>The specified key does not exist.</Message></Error>";
    assert_eq!(no_key.text, want);
    let no_bucket = (404, "NoSuchBucket".to_owned());
    assert_eq!(error(&get(&lambda, "/other/k")), no_bucket);
}

#[test]
fn an_object_that_has_changed_does_not_match_its_old_tag() {
    let lambda = with_object();
    let etag = get(&lambda, "/b/k").header("etag").to_owned();
    assert_eq!(get_if(&lambda, "/b/k", &etag).status, 200);
    assert_eq!(get_if(&lambda, "/b/k", "*").status, 200);
    lambda.sim().put_object("b", "k", *b"[]");
    let changed = get_if(&lambda, "/b/k", &etag);
    assert_eq!(error(&changed), (412, "PreconditionFailed".to_owned()));
    lambda.sim().put_object("b", "k", *b"{}");
    assert_eq!(get_if(&lambda, "/b/k", &etag).status, 200);
}

#[test]
fn a_deleted_object_leaves_its_bucket() {
    let lambda = with_object();
    lambda.sim().delete_object("b", "k");
    assert_eq!(error(&get(&lambda, "/b/k")), (404, "NoSuchKey".to_owned()));
    let put = lambda.try_send("PUT", "/_sim/objects/b/my%20key", &[], "{}");
    assert_eq!(put.expect("an answer").status, 201);
    assert_eq!(get(&lambda, "/b/my%20key").status, 200);
    let deleted = lambda.send("DELETE", "/_sim/objects/b/my%20key", &Value::Null);
    assert_eq!(deleted.status, 204);
    assert_eq!(get(&lambda, "/b/my%20key").status, 404);
}

#[test]
fn what_is_not_simulated_is_refused_rather_than_ignored() {
    let lambda = with_object();
    let range = lambda.try_send("GET", "/b/k", &[("range", "bytes=0-1")], "");
    let answers = [
        lambda.get("/b/k?versionId=1"),
        lambda.get("/b/k?acl"),
        range.expect("an answer"),
    ];
    for answer in answers {
        assert_eq!(error(&answer), (501, "NotSimulated".to_owned()));
    }
    for path in ["/b", "/b/", "/2015-03-31/functions", "/2031-01-01/k"] {
        let answer = lambda.get(path);
        assert_eq!(answer.header("x-amzn-errortype"), "NotSimulated", "{path}");
    }
    assert_eq!(lambda.send("DELETE", "/b/k", &Value::Null).status, 501);
    let conditional = lambda.try_send("PUT", "/b/k", &[("if-none-match", "\"etag\"")], "");
    let conditional = error(&conditional.expect("an answer"));
    assert_eq!(conditional, (501, "NotSimulated".to_owned()));
}

#[test]
fn an_object_is_stored_with_its_kind() {
    let lambda = with_object();
    let put = |path: &str, headers: &[(&str, &str)], text: &str| {
        lambda
            .try_send("PUT", path, headers, text)
            .expect("an answer")
    };
    let stored = put("/b/a%20page", &[("content-type", "text/html")], "<p>");
    assert_eq!(stored.status, 200);
    let found = get(&lambda, "/b/a%20page");
    assert_eq!(found.header("content-type"), "text/html");
    assert_eq!(found.header("etag"), stored.header("etag"));
    assert_eq!(found.text, "<p>");
    assert_eq!(lambda.sim().keys("b"), ["a page", "k"]);
    // In the place of the one before, unless there is to be none.
    let first = [("if-none-match", "*")];
    let refused = error(&put("/b/k", &first, "other"));
    assert_eq!(refused, (412, "PreconditionFailed".to_owned()));
    assert_eq!(get(&lambda, "/b/k").text, "{}");
    assert_eq!(put("/b/k", &[], "other").status, 200);
    assert_eq!(get(&lambda, "/b/k").text, "other");
    assert_eq!(put("/b/new", &first, "new").status, 200);
    let nowhere = error(&put("/nowhere/k", &[], "other"));
    assert_eq!(nowhere, (404, "NoSuchBucket".to_owned()));
}

#[test]
fn an_object_that_is_not_what_its_hash_says_is_refused() {
    let lambda = with_object();
    let put = |checksum: &str| {
        let headers = [("x-amz-checksum-sha256", checksum)];
        let answer = lambda.try_send("PUT", "/b/k", &headers, "hello");
        answer.expect("an answer")
    };
    let other = put("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(error(&other), (400, "BadDigest".to_owned()));
    assert_eq!(get(&lambda, "/b/k").text, "{}");
    let of_hello = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    assert_eq!(put(of_hello).status, 200);
    assert_eq!(get(&lambda, "/b/k").text, "hello");
}

#[test]
fn objects_are_in_the_list_of_calls() {
    let lambda = with_object();
    get(&lambda, "/b/k");
    get(&lambda, "/b/a%20b");
    let calls = lambda.sim().calls();
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.action.as_str(), call.function.as_deref(), call.status))
        .collect();
    let want = [
        ("GetObject", Some("b/k"), Some(200)),
        ("GetObject", Some("b/a b"), Some(404)),
    ];
    assert_eq!(seen, want);
}

#[test]
fn a_fault_answers_in_the_form_of_s3() {
    let lambda = with_object();
    let cases = [
        (301, "PermanentRedirect"),
        (400, "InvalidRequest"),
        (403, "AccessDenied"),
        (404, "NoSuchKey"),
        (412, "PreconditionFailed"),
        (500, "InternalError"),
        (503, "SlowDown"),
    ];
    for (status, code) in cases {
        let rule = FaultRule::always("GetObject", Fault::status(status));
        lambda.sim().fault(rule);
        assert_eq!(error(&get(&lambda, "/b/k")), (status, code.to_owned()));
        lambda.sim().clear_faults();
    }
    let named = Fault::Error(FaultError {
        status: 500,
        error_type: Some("SlowDown".to_owned()),
        message: Some("less than < & more".to_owned()),
    });
    lambda.sim().fault(FaultRule::always("GetObject", named));
    let answer = get(&lambda, "/b/k");
    assert_eq!(error(&answer), (500, "SlowDown".to_owned()));
    assert!(
        answer
            .text
            .contains("<Message>less than &lt; &amp; more</Message>")
    );
}

#[test]
fn a_fault_can_be_for_one_object_and_break_its_connection() {
    let lambda = with_object();
    lambda.sim().put_object("b", "other", *b"{}");
    let rule =
        json!({ "action": "GetObject", "function": "b/k", "nth": 1, "fault": "drop-before" });
    assert_eq!(lambda.send("POST", "/_sim/faults", &rule).status, 201);
    assert_eq!(get(&lambda, "/b/other").status, 200);
    assert!(lambda.is_dropped("GET", "/b/k"));
    assert_eq!(get(&lambda, "/b/k").status, 200);
}

#[test]
fn others_can_change_an_object_between_two_calls() {
    let lambda = with_object().with_f();
    let others = vec![
        OtherRequest::new("PUT", "/_sim/objects/b/a%20b", json!({ "n": 2 })),
        OtherRequest::new("DELETE", "/_sim/objects/b/k", Value::Null),
    ];
    let rule = FaultRule::always("GetFunctionConfiguration", Fault::Then(others));
    lambda.sim().fault(rule);
    lambda.configuration("f");
    assert_eq!(get(&lambda, "/b/a%20b").text, r#"{"n":2}"#);
    assert_eq!(get(&lambda, "/b/k").status, 404);
}
