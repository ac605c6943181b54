//! The alias that is to point at the best size.

use power_tuner_aws::latest::Latest;
use power_tuner_core::TuneError;
use power_tuner_core::marker::{applied, execution_in};
use power_tuner_core::measurement::Version;

/// Publishes `$LATEST` as it is and points the alias at that version, whose number it gives. A version that no alias came
/// to point at is not left behind.
pub(crate) async fn point(
    latest: &mut Latest<'_, '_>,
    name: &str,
    execution: &str,
) -> Result<String, TuneError> {
    let hand = latest.held.hand;
    let known = hand.api.versions(hand.function).await?;
    // It is to stay; but if this dies before an alias points at it, the clean-up must know whose it is.
    let published = latest.publish(&applied(execution)).await?;
    let version = Version {
        memory: published.memory,
        number: published.version,
    };
    if let Some(execution) = execution_in(&published.description) {
        return Err(TuneError::TuningInProgress {
            function: hand.function.to_string(),
            detail: format!(
                "version {} has the best size, but it is `{execution}`'s, which deletes it when it is over; start again \
                 after that",
                version.number
            ),
        });
    }
    let pointed = latest.point(name, &version).await;
    if pointed.is_err() && known.iter().all(|row| row.version != version) {
        // The first error stands; this version has nobody who needs it. Half of the time is for putting back.
        let longest = hand.deadline.left() / 2;
        let deleted = hand.api.delete_version(hand.function, &version, longest);
        if let Err(error) = deleted.await {
            let error = TuneError::from(error);
            tracing::error!(version = version.number, "it could not be deleted: {error}");
        }
    }
    pointed.map(|()| version.number)
}
