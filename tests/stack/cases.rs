//! The cases. Each says in its name what is guaranteed.

mod answers;
mod cleaning;
mod cold;
mod commands;
mod deployments;
mod failures;
mod hostile;
mod kills;
mod large;
mod locks;
mod parameters;
mod payloads;
mod refusals;
mod reports;
mod searching;
mod starting;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::differences;
use crate::harness::Bench;

pub type Case = fn(&Bench) -> Result<()>;

macro_rules! cases {
    ($($module:ident: [$($name:ident),+ $(,)?]),+ $(,)?) => {
        pub const ALL: &[(&str, Case)] = &[$($((stringify!($name), $module::$name)),+),+];
    };
}

// Those that wait for long come first: the others run meanwhile.
cases![
    large: [
        calls_of_14_minutes_outlast_the_executor_several_times_over,
        a_thousand_calls_at_all_sizes_fit_into_step_functions,
    ],
    kills: [processes_that_are_killed_leave_what_the_sweep_says],
    locks: [
        a_publisher_that_dies_is_cleaned_up_after_when_its_time_is_over,
        a_lock_that_is_held_for_too_long_is_an_error_with_a_way_out,
        a_lock_of_a_dead_execution_is_not_taken_over_before_its_time,
        a_lock_of_a_dead_execution_is_taken_over_and_restored_from,
        a_size_that_is_not_in_the_lock_is_somebody_elses_and_stays,
        an_alias_of_the_users_with_the_locks_name_is_refused,
        two_tunings_of_one_function_at_once_both_succeed,
        eight_tunings_of_one_function_at_once_all_succeed,
        a_tuning_stopped_while_it_waits_changes_nothing_in_its_turn,
    ],
    parameters: [
        the_schedule_starts_a_tuning_with_its_own_input,
        an_input_without_sizes_gets_those_of_the_stack,
        an_outcome_links_to_the_page_of_the_stack,
        the_state_machine_has_the_name_and_the_timeout_of_the_stack,
        the_functions_logs_are_kept_as_long_as_the_stack_says,
    ],
    differences: [the_simulator_differs_from_local_aws_only_where_it_is_documented],
    cleaning: [
        the_sweep_puts_right_what_no_clean_up_could,
        the_cleaner_by_hand_puts_right_what_no_clean_up_could,
        an_execution_stopped_while_measuring_leaves_no_trace,
        an_execution_stopped_while_publishing_leaves_no_trace,
        a_failure_in_the_middle_of_publishing_leaves_no_trace,
        a_clean_up_that_fails_is_said_and_made_up_for_by_the_event,
        a_clean_up_that_was_done_is_not_repeated_by_the_event,
        the_cleaner_by_hand_leaves_a_living_execution_alone,
        the_cleaner_by_hand_deletes_versions_of_executions_that_are_gone,
        an_event_about_an_unknown_execution_does_no_harm,
        an_event_that_is_lost_and_a_clean_up_that_fails_go_to_the_queue,
        a_version_of_the_users_is_measured_and_kept,
        the_users_next_publish_returns_no_version_of_ours,
        a_version_that_an_alias_points_to_is_left_alone,
    ],
    deployments: [
        a_deployment_while_measuring_stays_and_the_tuning_goes_on,
        a_deployment_while_publishing_stays_and_ends_the_tuning,
        a_deployment_while_latest_is_put_back_stays,
    ],
    reports: [
        an_outcome_is_stored_in_the_bucket_of_the_stack,
        an_outcome_is_a_line_of_metrics_and_a_dry_run_is_none,
        a_dry_run_is_stored_nowhere,
        people_are_told_of_an_execution_that_fails_and_of_a_recommendation_that_moved,
        the_bucket_of_the_stack_refuses_calls_without_tls,
    ],
    refusals: [
        bad_inputs_are_refused_by_their_exact_messages,
        what_cannot_be_tuned_is_refused_and_left_alone,
        a_version_that_is_not_like_latest_is_refused_and_left_alone,
        the_tuners_own_functions_are_refused,
        a_version_with_another_memory_size_only_is_tuned,
    ],
    answers: [
        the_cheapest_size_wins_by_cost,
        the_fastest_size_wins_by_speed,
        the_best_balanced_size_wins_by_both,
        a_size_that_always_fails_does_not_keep_the_others_from_an_answer,
        the_best_size_is_applied_where_the_input_asks_for_it,
        an_alias_is_made_and_moved_to_the_best_size,
        a_dry_run_calls_each_size_once_and_changes_nothing,
        a_distribution_of_payloads_is_sent_as_its_weights_say,
        processors_are_called_around_each_call,
        a_price_that_the_input_states_is_what_a_call_costs,
        json_logs_are_read_as_well_as_text,
        a_parallel_tuning_measures_with_the_payload,
        throttled_calls_are_made_again_and_counted,
    ],
    searching: [
        a_search_finds_the_cheapest_size_in_rounds,
        a_search_finds_the_fastest_size_in_rounds,
        a_search_finds_a_balanced_size_in_rounds,
        a_search_goes_on_where_sizes_fail,
        a_search_stopped_between_its_rounds_leaves_no_trace,
        a_search_stopped_while_it_measures_again_leaves_no_trace,
        the_current_size_is_measured_beside_those_that_were_asked_for,
    ],
    hostile: [
        what_a_function_prints_is_not_taken_for_a_report,
        no_payload_shows_in_logs_and_causes_where_the_input_says_so,
    ],
    payloads: [
        a_payload_in_s3_is_sent_instead_of_the_inputs,
        a_payload_in_s3_that_cannot_be_used_is_named_first,
        a_payload_of_200_kb_is_sent_whole,
    ],
    cold: [
        cold_starts_come_in_bursts_on_fresh_versions,
        cold_starts_that_lambda_refused_come_in_another_round,
    ],
    commands: [
        an_execution_puts_a_function_right,
        the_doctor_says_what_is_wrong_and_changes_nothing,
    ],
    starting: [
        every_example_input_works_as_pasted,
        a_pipeline_gets_the_outcome_from_the_example_script,
        a_pipeline_fails_with_the_cause_of_a_tuning_that_fails,
        a_pipeline_fails_with_a_tuning_that_somebody_stops,
        a_pipeline_that_is_cancelled_stops_the_tuning,
    ],
    failures: [
        one_failed_size_fails_the_run_where_the_input_says_so,
        a_function_that_fails_at_every_size_is_a_failed_execution,
        a_function_that_times_out_is_named_as_such,
        a_missing_function_is_a_failed_execution,
        every_fault_of_an_input_is_reported_before_anything_is_touched,
        an_input_that_is_no_object_is_a_failed_execution_too,
        every_line_of_the_logs_names_the_execution,
    ],
];

/// Cost in ms × MB: 256,000, 230,400, 204,800, 235,520, 601,600. So 512 MB is the cheapest and 3,008 MB the fastest;
/// in the middle (weight 0.5) 1,024 MB has the smallest sum of shares: 0.196 + 0.058.
fn known_curve() -> Value {
    let points = json!([
        [128, 2000],
        [256, 900],
        [512, 400],
        [1024, 230],
        [3008, 200]
    ]);
    json!({"behaviour": {"duration": {"kind": "points", "points": points}}})
}

/// A function whose calls take so long that a case can get in between: 50 ms are one real one.
fn slow(ms: u32) -> Value {
    let duration = json!({"kind": "formula", "baseMs": ms});
    json!({"timeoutS": 900, "behaviour": {"duration": duration}})
}

fn close(value: &Value, wanted: f64) -> Result<()> {
    let value = value.as_f64().context("a number")?;
    ensure!(
        (value - wanted).abs() <= wanted.abs() * 1e-9,
        "{value} is not {wanted}"
    );
    Ok(())
}

fn contains(text: &str, part: &str) -> Result<()> {
    ensure!(text.contains(part), "`{part}` is not in `{text}`");
    Ok(())
}
