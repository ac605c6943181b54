//! The parameters that the suite's stack is deployed with: every one has another value than its default.

/// What the tuner itself waits for takes real time: here so little that a case can see the end of it.
pub const LONGEST_WAIT_S: u64 = 75;

pub const POWER_VALUES: &str = "256,512,1024,1769";
pub const VISUALIZATION_URL: &str = "https://charts.example.com/tunings";
pub const STATE_MACHINE_NAME: &str = "the-suites-tuner";
pub const TOTAL_EXECUTION_TIMEOUT: u64 = 3600;
pub const LOG_RETENTION_DAYS: u64 = 30;
pub const LOG_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/of-the-logs";

pub const REPORT_PREFIX: &str = "tunings/";
pub const REPORT_RETENTION_DAYS: u64 = 30;

/// Who is told; local AWS sends no mail.
pub const NOTIFIED: &str = "someone@example.com";

/// Nobody else names it.
pub const SCHEDULED_FUNCTION: &str = "tuned_by_the_schedule";
pub const TUNING_SCHEDULE_INPUT: &str =
    r#"{"lambdaARN": "tuned_by_the_schedule", "num": 5, "powerValues": [512, 1024]}"#;

const EVERY_MINUTE: &str = "rate(1 minute)";

/// Beside the architecture, which is this machine's.
pub fn parameters() -> Vec<(String, String)> {
    [
        ("LongestWait", LONGEST_WAIT_S.to_string()),
        // More than one on AWS should take: the cases of the suite share a machine, not an account.
        ("ControlPlaneRate", "15".to_owned()),
        ("SweepSchedule", EVERY_MINUTE.to_owned()),
        ("PowerValues", POWER_VALUES.to_owned()),
        // An input that does not say it is to be one of the reference's.
        ("Search", "grid".to_owned()),
        ("VisualizationURL", VISUALIZATION_URL.to_owned()),
        (
            "LambdaResource",
            "arn:aws:lambda:us-east-1:123456789012:function:*".to_owned(),
        ),
        ("TotalExecutionTimeout", TOTAL_EXECUTION_TIMEOUT.to_string()),
        ("StateMachineName", STATE_MACHINE_NAME.to_owned()),
        ("TuningSchedule", EVERY_MINUTE.to_owned()),
        ("TuningScheduleInput", TUNING_SCHEDULE_INPUT.to_owned()),
        ("PayloadS3Bucket", "payloads".to_owned()),
        ("PayloadS3Key", "tunings/*".to_owned()),
        ("ReportBucket", "create".to_owned()),
        ("ReportPrefix", REPORT_PREFIX.to_owned()),
        ("ReportRetentionInDays", REPORT_RETENTION_DAYS.to_string()),
        ("NotificationEmail", NOTIFIED.to_owned()),
        ("NotifyAbovePercent", "10".to_owned()),
        ("Dashboard", "yes".to_owned()),
        ("LogGroupRetentionInDays", LOG_RETENTION_DAYS.to_string()),
        ("LogGroupKmsKey", LOG_KEY.to_owned()),
        (
            "PermissionsBoundary",
            "arn:aws:iam::aws:policy/AdministratorAccess".to_owned(),
        ),
        ("SubnetIds", "subnet-a,subnet-b".to_owned()),
        ("SecurityGroupIds", "sg-a".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
