//! Where the services are whose requests are signed here.

use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use power_tuner_core::s3::S3Uri;

use crate::signed;

/// What the names of a partition's hosts end with, by what its regions begin with. All others are of `aws`.
/// <https://docs.aws.amazon.com/general/latest/gr/rande.html>
const PARTITIONS: [(&str, &str, &str); 6] = [
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
];
const USUAL: (&str, &str) = ("amazonaws.com", "api.aws");

/// The URL of Lambda in a region, without a path.
pub(crate) fn lambda(config: &SdkConfig, region: &str) -> String {
    if let Some(own) = own(config, "lambda") {
        return own;
    }
    let (suffix, dual_stack) = suffixes(region);
    let fips = if is_fips(config) { "-fips" } else { "" };
    if config.use_dual_stack() == Some(true) {
        format!("https://lambda{fips}.{region}.{dual_stack}")
    } else {
        format!("https://lambda{fips}.{region}.{suffix}")
    }
}

/// The URL of an object. AWS's certificates cover a bucket in the host's name as long as that has no dot; with an endpoint of
/// one's own the bucket is in the path, which each of them understands.
pub(crate) fn object(config: &SdkConfig, region: &str, at: &S3Uri) -> String {
    let S3Uri { bucket, key } = at;
    let key = signed::path(key);
    if let Some(own) = own(config, "s3") {
        return format!("{own}/{bucket}/{key}");
    }
    let (suffix, _) = suffixes(region);
    let fips = if is_fips(config) { "-fips" } else { "" };
    let dual_stack = if config.use_dual_stack() == Some(true) {
        ".dualstack"
    } else {
        ""
    };
    let host = format!("s3{fips}{dual_stack}.{region}.{suffix}");
    if bucket.contains('.') {
        format!("https://{host}/{bucket}/{key}")
    } else {
        format!("https://{bucket}.{host}/{key}")
    }
}

/// What somebody set instead: for one service, or for all.
fn own(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let of_service = config.service_config().and_then(|set| set.load_config(key));
    let url = of_service.or_else(|| config.endpoint_url().map(str::to_owned))?;
    Some(url.trim_end_matches('/').to_owned())
}

fn is_fips(config: &SdkConfig) -> bool {
    config.use_fips() == Some(true)
}

fn suffixes(region: &str) -> (&'static str, &'static str) {
    PARTITIONS
        .into_iter()
        .find(|(begin, ..)| region.starts_with(begin))
        .map_or(USUAL, |(_, suffix, dual_stack)| (suffix, dual_stack))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> aws_types::sdk_config::Builder {
        SdkConfig::builder()
    }

    /// As the SDK has it, where that is asked.
    #[tokio::test]
    async fn each_partition_has_hosts_of_its_own() {
        use aws_sdk_lambda::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};

        let regions = [
            "eu-west-1",
            "us-gov-west-1",
            "cn-north-1",
            "us-iso-east-1",
            "us-isob-east-1",
        ];
        let others = ["us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1"];
        for region in regions.into_iter().chain(others) {
            for (fips, dual_stack) in [(false, false), (true, false), (false, true), (true, true)] {
                let params = Params::builder().region(region.to_owned());
                let params = params.use_fips(fips).use_dual_stack(dual_stack).build();
                let params = params.expect("all that is needed");
                let want = DefaultResolver::new().resolve_endpoint(&params).await;
                let config = config().use_fips(fips).use_dual_stack(dual_stack).build();
                assert_eq!(lambda(&config, region), want.expect("an endpoint").url());
            }
        }
    }

    #[test]
    fn an_endpoint_of_ones_own_is_taken() {
        let own = config().endpoint_url("http://127.0.0.1:1/").build();
        assert_eq!(lambda(&own, "us-east-1"), "http://127.0.0.1:1");
    }

    #[test]
    fn a_bucket_is_in_the_hosts_name_where_a_certificate_covers_it() {
        let plain = config().build();
        let both = config().use_fips(true).use_dual_stack(true).build();
        let own = config().endpoint_url("http://127.0.0.1:1").build();
        for (config, bucket, want) in [
            (
                &plain,
                "b",
                "https://b.s3.cn-north-1.amazonaws.com.cn/a/b%20%2B%C3%A4",
            ),
            (
                &plain,
                "b.c",
                "https://s3.cn-north-1.amazonaws.com.cn/b.c/a/b%20%2B%C3%A4",
            ),
            (
                &both,
                "b",
                "https://b.s3-fips.dualstack.cn-north-1.amazonaws.com.cn/a/b%20%2B%C3%A4",
            ),
            (&own, "b", "http://127.0.0.1:1/b/a/b%20%2B%C3%A4"),
        ] {
            let at = S3Uri {
                bucket: bucket.to_owned(),
                key: "a/b +ä".to_owned(),
            };
            assert_eq!(object(config, "cn-north-1", &at), want);
        }
    }
}
