//! What each parameter of the template does to the stack: its trace is the difference that it makes to a stack in which
//! everything that may be empty is empty. So a parameter that is empty leaves none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::cloudformation::Stack;

/// What may be empty, and stands for its own absence then.
const MAY_BE_EMPTY: [&str; 17] = [
    "SweepSchedule",
    "PowerValues",
    "VisualizationURL",
    "LambdaResource",
    "TargetRoles",
    "StateMachineName",
    "TuningSchedule",
    "PayloadS3Bucket",
    "ReportBucket",
    "ReportPrefix",
    "NotificationTopic",
    "NotificationEmail",
    "LogGroupRetentionInDays",
    "LogGroupKmsKey",
    "PermissionsBoundary",
    "SubnetIds",
    "SecurityGroupIds",
];

struct Case {
    given: &'static [(&'static str, &'static str)],
    trace: &'static [&'static str],
}

const ORDERS: &str = "arn:aws:lambda:*:*:function:orders-*";
const ORDERS_OF_THIS_ACCOUNT: &str = "arn:aws:lambda:*:123456789012:function:orders-*";

/// Other forms of `LambdaResource`, and the function that each stands for: it leaves the trace of [`ORDERS`], with that
/// function in its place.
const FORMS: [(&str, &str); 7] = [
    ("*", "arn:aws:lambda:*:123456789012:function:*"),
    ("orders-*", ORDERS_OF_THIS_ACCOUNT),
    ("orders-*:live", ORDERS_OF_THIS_ACCOUNT),
    (
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders",
    ),
    (
        "arn:aws:lambda:us-east-1:123456789012:function:orders:3",
        "arn:aws:lambda:us-east-1:123456789012:function:orders",
    ),
    (
        "arn:aws:lambda:us-east-1:123456789012:function:function:$LATEST",
        "arn:aws:lambda:us-east-1:123456789012:function:function",
    ),
    ("arn:aws:lambda:*:*:function:orders-*:*", ORDERS),
];

const CASES: &[Case] = &[
    Case {
        given: &[("Architecture", "x86_64")],
        trace: &[
            "+ Analyzer, Cleaner, Executor, Initializer, Optimizer, Publisher: Architectures.0 = x86_64",
            "- Analyzer, Cleaner, Executor, Initializer, Optimizer, Publisher: Architectures.0 = arm64",
        ],
    },
    Case {
        given: &[("LongestWait", "60")],
        trace: &[
            "+ StateMachine: DefinitionSubstitutions.LongestWaitS = 60",
            "- StateMachine: DefinitionSubstitutions.LongestWaitS = 600",
        ],
    },
    Case {
        given: &[("ControlPlaneRate", "3")],
        trace: &[
            "+ Cleaner, Initializer, Optimizer, Publisher: Environment.Variables.CONTROL_PLANE_RATE = 3",
            "- Cleaner, Initializer, Optimizer, Publisher: Environment.Variables.CONTROL_PLANE_RATE = 10",
        ],
    },
    Case {
        given: &[("SweepSchedule", "rate(2 days)")],
        trace: &[
            "+ Sweep: ScheduleExpression = rate(2 days)",
            "+ SweepRole: Type = AWS::IAM::Role",
            "+ Sweep: Type = AWS::Scheduler::Schedule",
        ],
    },
    Case {
        given: &[("PowerValues", "256,1024")],
        trace: &[
            "+ StateMachine: DefinitionSubstitutions.PowerValues = 256,1024",
            "- StateMachine: DefinitionSubstitutions.PowerValues = ",
        ],
    },
    Case {
        given: &[("Search", "adaptive")],
        trace: &[
            "+ StateMachine: DefinitionSubstitutions.Search = adaptive",
            "- StateMachine: DefinitionSubstitutions.Search = grid",
        ],
    },
    Case {
        given: &[("VisualizationURL", "https://charts.example.com/")],
        trace: &[
            "+ StateMachine: DefinitionSubstitutions.VisualizationURL = https://charts.example.com/",
            "- StateMachine: DefinitionSubstitutions.VisualizationURL = ",
        ],
    },
    Case {
        given: &[("LambdaResource", ORDERS)],
        trace: &[
            "- ExecutorRole: CallPublishedVersionsAndProcessors.Resource = arn:aws:lambda:*:123456789012:function:*",
            "+ ExecutorRole: CallPublishedVersionsAndProcessors.Resource.0 = arn:aws:lambda:*:*:function:orders-*",
            "+ ExecutorRole: CallPublishedVersionsAndProcessors.Resource.1 = arn:aws:lambda:*:*:function:orders-*:*",
            "+ OptimizerRole: DeleteAVersionThatNoAliasCameToPointAt.Resource = arn:aws:lambda:*:*:function:orders-*:*",
            "- OptimizerRole: DeleteAVersionThatNoAliasCameToPointAt.Resource = arn:aws:lambda:*:123456789012:function:*:*",
            "+ CleanerRole: DeleteVersions.Resource = arn:aws:lambda:*:*:function:orders-*:*",
            "- CleanerRole: DeleteVersions.Resource = arn:aws:lambda:*:123456789012:function:*:*",
            "- OptimizerRole, PublisherRole: LockTheFunction.Resource = arn:aws:lambda:*:123456789012:function:*",
            "+ OptimizerRole, PublisherRole: LockTheFunction.Resource.0 = arn:aws:lambda:*:*:function:orders-*",
            "+ OptimizerRole, PublisherRole: LockTheFunction.Resource.1 = arn:aws:lambda:*:*:function:orders-*:*",
            "- PublisherRole: PublishVersionsAndPutLatestBack.Resource = arn:aws:lambda:*:123456789012:function:*",
            "+ PublisherRole: PublishVersionsAndPutLatestBack.Resource.0 = arn:aws:lambda:*:*:function:orders-*",
            "+ PublisherRole: PublishVersionsAndPutLatestBack.Resource.1 = arn:aws:lambda:*:*:function:orders-*:*",
            "- CleanerRole: PutLatestBack.Resource = arn:aws:lambda:*:123456789012:function:*",
            "+ CleanerRole: PutLatestBack.Resource.0 = arn:aws:lambda:*:*:function:orders-*",
            "+ CleanerRole: PutLatestBack.Resource.1 = arn:aws:lambda:*:*:function:orders-*:*",
            "- InitializerRole: ReadTheTarget.Resource = arn:aws:lambda:*:123456789012:function:*",
            "+ InitializerRole: ReadTheTarget.Resource.0 = arn:aws:lambda:*:*:function:orders-*",
            "+ InitializerRole: ReadTheTarget.Resource.1 = arn:aws:lambda:*:*:function:orders-*:*",
            "- OptimizerRole: SetTheMemorySizeAndPublishForAnAlias.Resource = arn:aws:lambda:*:123456789012:function:*",
            "+ OptimizerRole: SetTheMemorySizeAndPublishForAnAlias.Resource.0 = arn:aws:lambda:*:*:function:orders-*",
            "+ OptimizerRole: SetTheMemorySizeAndPublishForAnAlias.Resource.1 = arn:aws:lambda:*:*:function:orders-*:*",
            "- CleanerRole: TakeLocksOverThatWereLeft.Resource = arn:aws:lambda:*:123456789012:function:*",
            "+ CleanerRole: TakeLocksOverThatWereLeft.Resource.0 = arn:aws:lambda:*:*:function:orders-*",
            "+ CleanerRole: TakeLocksOverThatWereLeft.Resource.1 = arn:aws:lambda:*:*:function:orders-*:*",
        ],
    },
    Case {
        given: &[(
            "TargetRoles",
            "arn:aws:iam::210987654321:role/tuned,arn:aws:iam::210987654322:role/a/path/tuned",
        )],
        trace: &[
            "+ CleanerRole, ExecutorRole, InitializerRole, OptimizerRole, PublisherRole: AssumeTheTargetsRole.Action = sts:AssumeRole",
            "+ CleanerRole, ExecutorRole, InitializerRole, OptimizerRole, PublisherRole: AssumeTheTargetsRole.Effect = Allow",
            "+ CleanerRole, ExecutorRole, InitializerRole, OptimizerRole, PublisherRole: AssumeTheTargetsRole.Resource.0 = arn:aws:iam::210987654321:role/tuned",
            "+ CleanerRole, ExecutorRole, InitializerRole, OptimizerRole, PublisherRole: AssumeTheTargetsRole.Resource.1 = arn:aws:iam::210987654322:role/a/path/tuned",
            "+ CleanerRole, ExecutorRole, InitializerRole, OptimizerRole, PublisherRole: AssumeTheTargetsRole.Sid = AssumeTheTargetsRole",
        ],
    },
    Case {
        given: &[("TotalExecutionTimeout", "3600")],
        trace: &[
            "+ StateMachine: DefinitionSubstitutions.TotalExecutionTimeout = 3600",
            "- StateMachine: DefinitionSubstitutions.TotalExecutionTimeout = 31536000",
        ],
    },
    Case {
        given: &[("StateMachineName", "tuner")],
        trace: &[
            "+ CleanerRole: FindExecutionsThatEndedBadly.Resource = arn:aws:states:us-east-1:123456789012:stateMachine:tuner",
            "- CleanerRole: FindExecutionsThatEndedBadly.Resource = arn:aws:states:us-east-1:123456789012:stateMachine:power-tuner-tuner",
            "+ CleanerRole: ReadWhatAnExecutionPlannedAndWhetherItIsOver.Resource = arn:aws:states:us-east-1:123456789012:execution:tuner:*",
            "- CleanerRole: ReadWhatAnExecutionPlannedAndWhetherItIsOver.Resource = arn:aws:states:us-east-1:123456789012:execution:power-tuner-tuner:*",
            "+ OptimizerRole, PublisherRole: SeeWhetherTheHolderOfALockStillRuns.Resource = arn:aws:states:us-east-1:123456789012:execution:tuner:*",
            "- OptimizerRole, PublisherRole: SeeWhetherTheHolderOfALockStillRuns.Resource = arn:aws:states:us-east-1:123456789012:execution:power-tuner-tuner:*",
            "+ StateMachine: StateMachineName = tuner",
            "- StateMachine: StateMachineName = power-tuner-tuner",
        ],
    },
    Case {
        given: &[
            ("TuningSchedule", "rate(30 days)"),
            ("TuningScheduleInput", "{\"num\": 5}"),
        ],
        trace: &[
            "+ output ScheduleName: Value = ${ScheduledTuning}",
            "+ ScheduledTuning: ScheduleExpression = rate(30 days)",
            "+ ScheduledTuning: Target.Input = {\"num\": 5}",
            "+ ScheduledTuningRole: Type = AWS::IAM::Role",
            "+ ScheduledTuning: Type = AWS::Scheduler::Schedule",
        ],
    },
    Case {
        given: &[("PayloadS3Bucket", "payloads")],
        trace: &[
            "+ ExecutorRole, InitializerRole: ReadPayloads.Action = s3:GetObject",
            "+ ExecutorRole, InitializerRole: ReadPayloads.Effect = Allow",
            "+ ExecutorRole, InitializerRole: ReadPayloads.Resource = arn:aws:s3:::payloads/*",
            "+ ExecutorRole, InitializerRole: ReadPayloads.Sid = ReadPayloads",
        ],
    },
    Case {
        given: &[
            ("PayloadS3Bucket", "payloads"),
            ("PayloadS3Key", "tunings/*"),
        ],
        trace: &[
            "+ ExecutorRole, InitializerRole: ReadPayloads.Action = s3:GetObject",
            "+ ExecutorRole, InitializerRole: ReadPayloads.Effect = Allow",
            "+ ExecutorRole, InitializerRole: ReadPayloads.Resource = arn:aws:s3:::payloads/tunings/*",
            "+ ExecutorRole, InitializerRole: ReadPayloads.Sid = ReadPayloads",
        ],
    },
    Case {
        given: &[("ReportBucket", "filed-here")],
        trace: &[
            "+ output ReportBucketName: Value = filed-here",
            "+ StateMachine: DefinitionSubstitutions.ReportBucket = filed-here",
            "- StateMachine: DefinitionSubstitutions.ReportBucket = ",
            "+ StateMachine: DefinitionSubstitutions.Reporter = ${Reporter.Arn}",
            "- StateMachine: DefinitionSubstitutions.Reporter = arn:aws:lambda:us-east-1:123456789012:function:none",
            "+ StateMachineRole: RunTheSteps.Resource.6 = ${Reporter.Arn}",
            "+ ReporterRole: StoreReports.Resource = arn:aws:s3:::filed-here/*",
            "+ ReporterRole: Type = AWS::IAM::Role",
            "+ Reporter: Type = AWS::Lambda::Function",
        ],
    },
    Case {
        given: &[("ReportBucket", "filed-here"), ("ReportPrefix", "tunings/")],
        trace: &[
            "+ output ReportBucketName: Value = filed-here",
            "+ StateMachine: DefinitionSubstitutions.ReportBucket = filed-here",
            "- StateMachine: DefinitionSubstitutions.ReportBucket = ",
            "+ StateMachine: DefinitionSubstitutions.ReportPrefix = tunings/",
            "- StateMachine: DefinitionSubstitutions.ReportPrefix = ",
            "+ StateMachine: DefinitionSubstitutions.Reporter = ${Reporter.Arn}",
            "- StateMachine: DefinitionSubstitutions.Reporter = arn:aws:lambda:us-east-1:123456789012:function:none",
            "+ StateMachineRole: RunTheSteps.Resource.6 = ${Reporter.Arn}",
            "+ ReporterRole: StoreReports.Resource = arn:aws:s3:::filed-here/tunings/*",
            "+ ReporterRole: Type = AWS::IAM::Role",
            "+ Reporter: Type = AWS::Lambda::Function",
        ],
    },
    Case {
        given: &[("ReportBucket", "create"), ("ReportRetentionInDays", "30")],
        trace: &[
            "+ output ReportBucketName: Value = ${Reports}",
            "+ StateMachine: DefinitionSubstitutions.ReportBucket = ${Reports}",
            "- StateMachine: DefinitionSubstitutions.ReportBucket = ",
            "+ StateMachine: DefinitionSubstitutions.Reporter = ${Reporter.Arn}",
            "- StateMachine: DefinitionSubstitutions.Reporter = arn:aws:lambda:us-east-1:123456789012:function:none",
            "+ Reports: LifecycleConfiguration.Rules.0.ExpirationInDays = 30",
            "+ StateMachineRole: RunTheSteps.Resource.6 = ${Reporter.Arn}",
            "+ Reporter: Tags.0.Key = lambda:createdBy",
            "+ ReporterRole: Type = AWS::IAM::Role",
            "+ Reporter: Type = AWS::Lambda::Function",
            "+ Reports: Type = AWS::S3::Bucket",
            "+ ReportsPolicy: Type = AWS::S3::BucketPolicy",
        ],
    },
    Case {
        given: &[
            ("ReportBucket", "filed-here"),
            ("LogGroupRetentionInDays", "30"),
        ],
        trace: &[
            "+ output LogGroups: Value = ${ExecutorLogs},${AnalyzerLogs},${InitializerLogs},${PublisherLogs},${OptimizerLogs},${CleanerLogs},${ReporterLogs}",
            "+ output ReportBucketName: Value = filed-here",
            "+ StateMachine: DefinitionSubstitutions.ReportBucket = filed-here",
            "- StateMachine: DefinitionSubstitutions.ReportBucket = ",
            "+ StateMachine: DefinitionSubstitutions.Reporter = ${Reporter.Arn}",
            "- StateMachine: DefinitionSubstitutions.Reporter = arn:aws:lambda:us-east-1:123456789012:function:none",
            "+ Analyzer: LoggingConfig.LogGroup = ${AnalyzerLogs}",
            "+ Cleaner: LoggingConfig.LogGroup = ${CleanerLogs}",
            "+ Executor: LoggingConfig.LogGroup = ${ExecutorLogs}",
            "+ Initializer: LoggingConfig.LogGroup = ${InitializerLogs}",
            "+ Optimizer: LoggingConfig.LogGroup = ${OptimizerLogs}",
            "+ Publisher: LoggingConfig.LogGroup = ${PublisherLogs}",
            "+ AnalyzerLogs, CleanerLogs, ExecutorLogs, InitializerLogs, OptimizerLogs, PublisherLogs, ReporterLogs: RetentionInDays = 30",
            "+ StateMachineRole: RunTheSteps.Resource.6 = ${Reporter.Arn}",
            "+ ReporterRole: StoreReports.Resource = arn:aws:s3:::filed-here/*",
            "+ ReporterRole: Type = AWS::IAM::Role",
            "+ Reporter: Type = AWS::Lambda::Function",
            "+ AnalyzerLogs, CleanerLogs, ExecutorLogs, InitializerLogs, OptimizerLogs, PublisherLogs, ReporterLogs: Type = AWS::Logs::LogGroup",
        ],
    },
    Case {
        given: &[(
            "NotificationTopic",
            "arn:aws:sns:us-east-1:123456789012:people",
        )],
        trace: &[
            "+ output NotificationTopicArn: Value = arn:aws:sns:us-east-1:123456789012:people",
            "+ StateMachine: DefinitionSubstitutions.NotificationTopic = arn:aws:sns:us-east-1:123456789012:people",
            "- StateMachine: DefinitionSubstitutions.NotificationTopic = ",
            "+ StateMachine: DefinitionSubstitutions.TopicArn = arn:aws:sns:us-east-1:123456789012:people",
            "- StateMachine: DefinitionSubstitutions.TopicArn = arn:aws:sns:us-east-1:123456789012:none",
            "+ TuningFailed: Targets.0.Arn = arn:aws:sns:us-east-1:123456789012:people",
            "+ TuningFailed: Type = AWS::Events::Rule",
        ],
    },
    Case {
        given: &[("NotificationEmail", "someone@example.com")],
        trace: &[
            "+ output NotificationTopicArn: Value = ${Notifications}",
            "+ StateMachine: DefinitionSubstitutions.NotificationTopic = ${Notifications}",
            "- StateMachine: DefinitionSubstitutions.NotificationTopic = ",
            "+ StateMachine: DefinitionSubstitutions.TopicArn = ${Notifications}",
            "- StateMachine: DefinitionSubstitutions.TopicArn = arn:aws:sns:us-east-1:123456789012:none",
            "+ Notifications: Subscription.0.Endpoint = someone@example.com",
            "+ TuningFailed: Type = AWS::Events::Rule",
            "+ Notifications: Type = AWS::SNS::Topic",
            "+ NotificationsFromEvents: Type = AWS::SNS::TopicPolicy",
        ],
    },
    Case {
        given: &[
            (
                "NotificationTopic",
                "arn:aws:sns:us-east-1:123456789012:people",
            ),
            ("ReportBucket", "filed-here"),
        ],
        trace: &[
            "+ output NotificationTopicArn: Value = arn:aws:sns:us-east-1:123456789012:people",
            "+ output ReportBucketName: Value = filed-here",
            "+ StateMachine: DefinitionSubstitutions.NotificationTopic = arn:aws:sns:us-east-1:123456789012:people",
            "- StateMachine: DefinitionSubstitutions.NotificationTopic = ",
            "+ StateMachine: DefinitionSubstitutions.ReportBucket = filed-here",
            "- StateMachine: DefinitionSubstitutions.ReportBucket = ",
            "+ StateMachine: DefinitionSubstitutions.Reporter = ${Reporter.Arn}",
            "- StateMachine: DefinitionSubstitutions.Reporter = arn:aws:lambda:us-east-1:123456789012:function:none",
            "+ StateMachine: DefinitionSubstitutions.TopicArn = arn:aws:sns:us-east-1:123456789012:people",
            "- StateMachine: DefinitionSubstitutions.TopicArn = arn:aws:sns:us-east-1:123456789012:none",
            "+ StateMachineRole: RunTheSteps.Resource.6 = ${Reporter.Arn}",
            "+ ReporterRole: StoreReports.Resource = arn:aws:s3:::filed-here/*",
            "+ TuningFailed: Targets.0.Arn = arn:aws:sns:us-east-1:123456789012:people",
            "+ StateMachineRole: TellPeople.Action = sns:Publish",
            "+ StateMachineRole: TellPeople.Effect = Allow",
            "+ StateMachineRole: TellPeople.Resource = arn:aws:sns:us-east-1:123456789012:people",
            "+ StateMachineRole: TellPeople.Sid = TellPeople",
            "+ TuningFailed: Type = AWS::Events::Rule",
            "+ ReporterRole: Type = AWS::IAM::Role",
            "+ Reporter: Type = AWS::Lambda::Function",
        ],
    },
    Case {
        given: &[("NotifyAbovePercent", "7")],
        trace: &[
            "+ StateMachine: DefinitionSubstitutions.NotifyAbovePercent = 7",
            "- StateMachine: DefinitionSubstitutions.NotifyAbovePercent = 5",
        ],
    },
    Case {
        given: &[("Dashboard", "yes")],
        trace: &["+ Findings: Type = AWS::CloudWatch::Dashboard"],
    },
    Case {
        given: &[("LogGroupRetentionInDays", "30")],
        trace: &[
            "+ output LogGroups: Value = ${ExecutorLogs},${AnalyzerLogs},${InitializerLogs},${PublisherLogs},${OptimizerLogs},${CleanerLogs}",
            "+ Analyzer: LoggingConfig.LogGroup = ${AnalyzerLogs}",
            "+ Cleaner: LoggingConfig.LogGroup = ${CleanerLogs}",
            "+ Executor: LoggingConfig.LogGroup = ${ExecutorLogs}",
            "+ Initializer: LoggingConfig.LogGroup = ${InitializerLogs}",
            "+ Optimizer: LoggingConfig.LogGroup = ${OptimizerLogs}",
            "+ Publisher: LoggingConfig.LogGroup = ${PublisherLogs}",
            "+ AnalyzerLogs, CleanerLogs, ExecutorLogs, InitializerLogs, OptimizerLogs, PublisherLogs: RetentionInDays = 30",
            "+ AnalyzerLogs, CleanerLogs, ExecutorLogs, InitializerLogs, OptimizerLogs, PublisherLogs: Type = AWS::Logs::LogGroup",
        ],
    },
    Case {
        given: &[("LogGroupKmsKey", "arn:aws:kms:us-east-1:123456789012:key/k")],
        trace: &[
            "+ output LogGroups: Value = ${ExecutorLogs},${AnalyzerLogs},${InitializerLogs},${PublisherLogs},${OptimizerLogs},${CleanerLogs}",
            "+ AnalyzerLogs, CleanerLogs, ExecutorLogs, InitializerLogs, OptimizerLogs, PublisherLogs: KmsKeyId = arn:aws:kms:us-east-1:123456789012:key/k",
            "+ Analyzer: LoggingConfig.LogGroup = ${AnalyzerLogs}",
            "+ Cleaner: LoggingConfig.LogGroup = ${CleanerLogs}",
            "+ Executor: LoggingConfig.LogGroup = ${ExecutorLogs}",
            "+ Initializer: LoggingConfig.LogGroup = ${InitializerLogs}",
            "+ Optimizer: LoggingConfig.LogGroup = ${OptimizerLogs}",
            "+ Publisher: LoggingConfig.LogGroup = ${PublisherLogs}",
            "+ AnalyzerLogs, CleanerLogs, ExecutorLogs, InitializerLogs, OptimizerLogs, PublisherLogs: Type = AWS::Logs::LogGroup",
        ],
    },
    Case {
        given: &[("PermissionsBoundary", "arn:aws:iam::123456789012:policy/b")],
        trace: &[
            "+ AnalyzerRole, CleanerRole, ExecutorRole, InitializerRole, OptimizerRole, PublisherRole, StateMachineRole: PermissionsBoundary = arn:aws:iam::123456789012:policy/b",
        ],
    },
    Case {
        given: &[
            ("PermissionsBoundary", "arn:aws:iam::123456789012:policy/b"),
            ("SweepSchedule", "rate(2 days)"),
            ("TuningSchedule", "rate(30 days)"),
            ("TuningScheduleInput", "{\"num\": 5}"),
        ],
        trace: &[
            "+ output ScheduleName: Value = ${ScheduledTuning}",
            "+ AnalyzerRole, CleanerRole, ExecutorRole, InitializerRole, OptimizerRole, PublisherRole, ScheduledTuningRole, StateMachineRole, SweepRole: PermissionsBoundary = arn:aws:iam::123456789012:policy/b",
            "+ Sweep: ScheduleExpression = rate(2 days)",
            "+ ScheduledTuning: ScheduleExpression = rate(30 days)",
            "+ ScheduledTuning: Target.Input = {\"num\": 5}",
            "+ ScheduledTuningRole, SweepRole: Type = AWS::IAM::Role",
            "+ ScheduledTuning, Sweep: Type = AWS::Scheduler::Schedule",
        ],
    },
    Case {
        given: &[
            ("SubnetIds", "subnet-1,subnet-2"),
            ("SecurityGroupIds", "sg-1"),
        ],
        trace: &[
            "+ AnalyzerRole, CleanerRole, ExecutorRole, InitializerRole, OptimizerRole, PublisherRole: ManagedPolicyArns.1 = arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
            "+ Analyzer, Cleaner, Executor, Initializer, Optimizer, Publisher: VpcConfig.SecurityGroupIds.0 = sg-1",
            "+ Analyzer, Cleaner, Executor, Initializer, Optimizer, Publisher: VpcConfig.SubnetIds.0 = subnet-1",
            "+ Analyzer, Cleaner, Executor, Initializer, Optimizer, Publisher: VpcConfig.SubnetIds.1 = subnet-2",
        ],
    },
    Case {
        given: &[("SecurityGroupIds", "sg-1")],
        trace: &[
            "+ AnalyzerRole, CleanerRole, ExecutorRole, InitializerRole, OptimizerRole, PublisherRole: ManagedPolicyArns.1 = arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
            "+ Analyzer, Cleaner, Executor, Initializer, Optimizer, Publisher: VpcConfig.SecurityGroupIds.0 = sg-1",
            "+ Analyzer, Cleaner, Executor, Initializer, Optimizer, Publisher: VpcConfig.SubnetIds.0 = ",
        ],
    },
];

/// Values that `CloudFormation` is to refuse before it touches anything.
const REFUSED: [(&str, &str); 27] = [
    ("ControlPlaneRate", "16"),
    ("Architecture", "riscv64"),
    ("LongestWait", "-1"),
    ("PowerValues", "128;256"),
    ("Search", "exhaustive"),
    ("VisualizationURL", "https://charts.example.com/\"}"),
    ("VisualizationURL", "charts.example.com"),
    ("LambdaResource", "arn:aws:lambda:*"),
    ("LambdaResource", "123456789012:function:orders"),
    ("LambdaResource", "orders,invoices"),
    ("LambdaResource", "orders:3:4"),
    ("LambdaResource", "arn:aws:s3:::orders"),
    ("TargetRoles", "arn:aws:iam::*:role/tuned"),
    ("TargetRoles", "arn:aws:iam::210987654321:role/tuned,tuned"),
    ("TotalExecutionTimeout", "0"),
    ("StateMachineName", "of mine"),
    ("TuningScheduleInput", "my-function"),
    ("ReportBucket", "arn:aws:s3:::filed"),
    ("ReportPrefix", "tunings"),
    ("ReportPrefix", "*/"),
    (
        "NotificationTopic",
        "arn:aws:sns:us-east-1:123456789012:people.fifo",
    ),
    ("NotificationTopic", "people"),
    ("NotificationEmail", "people"),
    ("NotifyAbovePercent", "-1"),
    ("Dashboard", "true"),
    ("LogGroupRetentionInDays", "2"),
    ("PermissionsBoundary", "MyBoundary"),
];

/// The parameter sets that `tools/transformed.py` is to be asked for.
pub(crate) fn asked() -> Value {
    let traced = CASES.iter().map(|case| set(case.given));
    let forms = FORMS
        .iter()
        .map(|(form, _)| set(&[("LambdaResource", form)]));
    let refused = REFUSED.iter().map(|given| set(&[*given]));
    let without_input = [set(&[("TuningSchedule", "rate(1 day)")])];
    let sets = [set(&[])].into_iter().chain(traced).chain(forms);
    let sets = sets.chain(refused);
    sets.chain(without_input).collect()
}

fn set(given: &[(&str, &str)]) -> Value {
    let mut set: Map<String, Value> = MAY_BE_EMPTY
        .map(|name| (name.to_owned(), json!("")))
        .into_iter()
        .collect();
    set.extend(
        given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value))),
    );
    Value::Object(set)
}

/// Every parameter without a case, and every case whose trace is another one, in words.
pub(crate) fn faults(answers: &[Value]) -> Vec<String> {
    let sets = asked();
    let sets = sets.as_array().map(Vec::as_slice).unwrap_or_default();
    if sets.len() != answers.len() {
        return vec![format!(
            "{} sets of parameters were asked for, {} answered",
            sets.len(),
            answers.len()
        )];
    }
    let stacks: Vec<Stack> = sets
        .iter()
        .zip(answers)
        .map(|(set, answer)| Stack::new(&answer["template"], set))
        .collect();
    let refused: Vec<&Value> = answers.iter().map(|answer| &answer["refused"]).collect();
    let mut faults = untried(&answers[0]["template"]["Parameters"]);
    let none = leaves(&stacks[0].resolved());
    faults.extend(empty(&none));
    let mut rest = stacks.iter().zip(&refused).skip(1);
    for (case, (stack, refused)) in CASES.iter().zip(&mut rest) {
        let names: Vec<&str> = case.given.iter().map(|(name, _)| *name).collect();
        let names = names.join(" and ");
        if **refused != json!([]) {
            faults.push(format!("{names}: CloudFormation would refuse {refused}"));
        }
        for broken in stack.broken_rules() {
            faults.push(format!("{names}: breaks the rule: {broken}"));
        }
        let trace = trace(&none, &leaves(&stack.resolved()), case.given);
        if trace != case.trace {
            faults.push(format!(
                "{names} leaves another trace:\n    {}\nthan it should:\n    {}",
                trace.join("\n    "),
                case.trace.join("\n    ")
            ));
        }
    }
    for ((form, function), (stack, refused)) in FORMS.iter().zip(&mut rest) {
        if **refused != json!([]) {
            faults.push(format!("LambdaResource may not be `{form}`"));
        }
        let trace = trace(&none, &leaves(&stack.resolved()), &[]);
        let wanted = as_about(function);
        if trace != wanted {
            faults.push(format!(
                "LambdaResource `{form}` leaves another trace:\n    {}\nthan it should:\n    {}",
                trace.join("\n    "),
                wanted.join("\n    ")
            ));
        }
    }
    for ((name, value), (_, refused)) in REFUSED.iter().zip(&mut rest) {
        if **refused != json!([name]) {
            faults.push(format!("{name} may be `{value}`"));
        }
    }
    for (stack, _) in rest {
        if stack.broken_rules().is_empty() {
            faults.push("a schedule may be given without an input".to_owned());
        }
    }
    faults
}

/// The trace of [`ORDERS`] with another function in its place.
fn as_about(function: &str) -> Vec<String> {
    let of_orders = CASES
        .iter()
        .find(|case| case.given == [("LambdaResource", ORDERS)]);
    let lines = of_orders.map(|case| case.trace).unwrap_or_default().iter();
    let lines: Vec<String> = lines.map(|line| line.replace(ORDERS, function)).collect();
    // What is the same as without the parameter leaves no trace.
    let is_the_same = |line: &String| {
        let (sign, rest) = line.split_at(1);
        let other = if sign == "+" { "-" } else { "+" };
        lines.contains(&format!("{other}{rest}"))
    };
    let mut traced = lines.clone();
    traced.retain(|line| !is_the_same(line));
    traced
}

fn untried(parameters: &Value) -> Vec<String> {
    let tried: BTreeSet<&str> = CASES
        .iter()
        .flat_map(|case| case.given)
        .map(|(name, _)| *name)
        .collect();
    let none = Map::new();
    let names = parameters.as_object().unwrap_or(&none).keys();
    names
        .filter(|name| !tried.contains(name.as_str()))
        .map(|name| format!("no case gives the parameter {name}"))
        .collect()
}

/// Where in the stack something is: the resource or output, and the place in it.
type Place = (String, String);

/// An empty text or list in a stack that was given nothing. What reads the definition knows these for nothing.
fn empty(none: &BTreeMap<Place, String>) -> Vec<String> {
    let excepted = [
        "PowerValues",
        "VisualizationURL",
        "ReportBucket",
        "ReportPrefix",
        "NotificationTopic",
    ]
    .map(|name| format!("DefinitionSubstitutions.{name}"));
    none.iter()
        .filter(|((_, place), value)| {
            ["", "[]", "{}", "null"].contains(&value.as_str()) && !excepted.contains(place)
        })
        // SAM's own.
        .filter(|((resource, place), _)| {
            (resource.as_str(), place.as_str()) != ("StateMachineRole", "ManagedPolicyArns")
        })
        .map(|((resource, place), value)| {
            format!("a stack without parameters has `{value}` at {resource}: {place}")
        })
        .collect()
}

/// The differences, one line for those that several resources have in common. Of a resource that is new, its type, what has
/// a value that was given, and what is empty.
fn trace(
    none: &BTreeMap<Place, String>,
    some: &BTreeMap<Place, String>,
    given: &[(&str, &str)],
) -> Vec<String> {
    let known: BTreeSet<&String> = none.keys().map(|(resource, _)| resource).collect();
    let mut differences: BTreeMap<(String, char, String), Vec<&str>> = BTreeMap::new();
    for (sign, from, to) in [('-', none, some), ('+', some, none)] {
        for ((resource, place), value) in from {
            let key = (resource.clone(), place.clone());
            if to.get(&key) == Some(value) {
                continue;
            }
            let is_telling = known.contains(resource)
                // A resource's type, and an output's value.
                || ["Type", ""].contains(&place.as_str())
                || value.is_empty()
                || given.iter().any(|(_, given)| value.contains(given));
            if is_telling {
                differences
                    .entry((place.clone(), sign, value.clone()))
                    .or_default()
                    .push(resource);
            }
        }
    }
    let lines = differences
        .into_iter()
        .map(|((place, sign, value), resources)| {
            let place = if place.is_empty() { "Value" } else { &place };
            format!("{sign} {}: {place} = {value}", resources.join(", "))
        });
    lines.collect()
}

/// Every value that has no parts, by its place.
fn leaves(resolved: &Value) -> BTreeMap<Place, String> {
    let mut found = BTreeMap::new();
    let none = Map::new();
    for (id, resource) in resolved["Resources"].as_object().unwrap_or(&none) {
        collect(resource, &mut Vec::new(), &mut |place, value| {
            found.insert((id.clone(), place), value);
        });
    }
    for (id, output) in resolved["Outputs"].as_object().unwrap_or(&none) {
        let id = format!("output {id}");
        collect(&output["Value"], &mut Vec::new(), &mut |place, value| {
            found.insert((id.clone(), place), value);
        });
    }
    found
}

fn collect(value: &Value, place: &mut Vec<String>, found: &mut dyn FnMut(String, String)) {
    let mut step = |name: String, value: &Value| {
        place.push(name);
        collect(value, place, found);
        place.pop();
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                step(name.clone(), value);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                // A statement's name says more than its number.
                let name = item["Sid"].as_str().map(str::to_owned);
                step(name.unwrap_or_else(|| index.to_string()), item);
            }
        }
        leaf => {
            let text = leaf
                .as_str()
                .map_or_else(|| leaf.to_string(), str::to_owned);
            found(shown(place), text);
        }
    }
}

/// Without the steps that every place of its kind has.
fn shown(place: &[String]) -> String {
    let place = place.join(".");
    let place = place.strip_prefix("Properties.").unwrap_or(&place);
    let statement = "Policies.0.PolicyDocument.Statement.";
    place.strip_prefix(statement).unwrap_or(place).to_owned()
}
