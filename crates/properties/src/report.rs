//! The end of a call's log, as Lambda returns it.

use power_tuner_core::MemoryMb;
use power_tuner_core::measurement::{Answered, Made, Progress};
use power_tuner_core::prices::Price;
use power_tuner_core::report::{Found, Report, find};
use power_tuner_core::request::Request;

const ID: &str = "8f507cfc-xmpl-4697-b07a-ac58fc914c95";
/// What Lambda returns of a log.
const TAIL_BYTES: usize = 4096;
/// No call takes longer, with the start of its environment.
const DAY_MS: f64 = 86_400_000.0;
/// What a sample may take between two batches.
const SAMPLE_BYTES: usize = 40;

/// A document is what a function printed.
///
/// Whatever that is: what is read is finite, not negative and bounded, is the call's own only where its id is there, and
/// takes no more room than the input's bounds count on. The report that Lambda writes behind it is read as it is, also where
/// the tail begins in the middle of a line or of a character.
///
/// # Panics
///
/// Something of that does not hold.
pub fn report(document: &[u8]) {
    let log = String::from_utf8_lossy(document);
    if let Some(found) = find(&log, ID) {
        is_plausible(&found.report);
        is_carried(found);
        assert!(!found.matched || log.contains(ID), "another call's report");
    }
    for real in [text(), json()] {
        let mut whole = document.to_vec();
        whole.push(b'\n');
        whole.extend(real.as_bytes());
        for from in [0, whole.len().saturating_sub(TAIL_BYTES)] {
            let tail = String::from_utf8_lossy(&whole[from..]);
            let found = find(&tail, ID).expect("the report that Lambda wrote");
            assert!(found.matched, "another report than Lambda's");
            let report = Report {
                // The lines before a call say that, and these may be such lines.
                init_was_repeated: false,
                ..found.report
            };
            assert_eq!(report, wanted());
        }
    }
    what_the_function_prints_says_nothing_of_its_start(document);
}

fn text() -> String {
    format!(
        "START RequestId: {ID} Version: 1\nEND RequestId: {ID}\nREPORT RequestId: {ID}\tDuration: 12.34 ms\tBilled Duration: \
         113 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 100.10 ms\t\n"
    )
}

fn json() -> String {
    format!(
        r#"{{"time":"t","type":"platform.report","record":{{"requestId":"{ID}","metrics":{{"durationMs":12.34,"billedDurationMs":113,"memorySizeMB":128,"maxMemoryUsedMB":40,"initDurationMs":100.1}},"status":"success"}}}}"#
    )
}

fn wanted() -> Report {
    Report {
        duration_ms: 12.34,
        billed_ms: 113.0,
        init_ms: 100.1,
        max_memory_used_mb: 40,
        ..Report::default()
    }
}

fn is_plausible(report: &Report) {
    for ms in [
        report.duration_ms,
        report.billed_ms,
        report.init_ms,
        report.restore_ms,
    ] {
        assert!((0.0..=DAY_MS).contains(&ms), "{ms} ms");
    }
    assert!((0.0..=3.0 * DAY_MS).contains(&report.total_ms()));
}

fn is_carried(found: Found) {
    const CALLS: usize = 10;
    let mut progress = Progress::default();
    let empty = serde_json::to_string(&progress).expect("JSON").len();
    let made = Made {
        payload: 0,
        answered: Answered::Success,
        only_if_cold: false,
    };
    for _ in 0..CALLS {
        progress.record(Some(found), made);
    }
    let written = serde_json::to_string(&progress).expect("JSON");
    // The counts grow by some digits, once.
    assert!(
        written.len() <= empty + CALLS * SAMPLE_BYTES + 60,
        "{written}"
    );
    let read: Progress = serde_json::from_str(&written).expect("what was written");
    assert_eq!(read, progress);
    let price = Price {
        currency: "USD".to_owned(),
        per_gb_second: 1.66667e-5,
        per_transition: 2.5e-5,
    };
    let size = MemoryMb::all()[0];
    let asked =
        serde_json::json!({"lambdaARN": "f", "num": 100, "maxDurationMs": 1, "percentile": 95});
    let request = Request::parse(&asked).expect("a good input");
    let summary = progress.finish(None, &request, size, &price).summary;
    let summary = summary.expect("it is measured");
    assert!(summary.average_duration_ms.is_finite() && summary.average_duration_ms >= 0.0);
    assert!(summary.average_cost.is_finite() && summary.average_cost >= 0.0);
    assert!(summary.mean_billed_ms.is_finite() && summary.mean_billed_ms >= 0.0);
    for estimate in [summary.duration, summary.cost].into_iter().flatten() {
        assert!(estimate.low <= estimate.at_least() && estimate.at_most() <= estimate.high);
        assert!(estimate.high.is_finite(), "{estimate:?}");
    }
}

fn what_the_function_prints_says_nothing_of_its_start(document: &[u8]) {
    let printed = String::from_utf8_lossy(document);
    let log = text().replace("\nEND ", &format!("\n{printed}\nEND "));
    let found = find(&log, ID).expect("the report that Lambda wrote");
    assert!(
        !found.report.init_was_repeated,
        "the function said so itself"
    );
}
