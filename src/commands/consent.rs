//! What standing consent rests on: the configuration that the daemon has read, and the file as it is now.
//!
//! The daemon takes a new configuration when it is told to. A `never` that was just written holds all the same,
//! and an `auto` does not yet: the stricter of both does.

use std::sync::Arc;

use crate::config::{Asking, Config, Places};
use crate::policy::{Decision, Policy};

/// Both, at one time.
pub(super) struct Consent {
    /// As the daemon has read it.
    pub(super) loaded: Arc<Config>,
    /// The same but for what the file allows less of. Its policy is that of the file.
    pub(super) config: Config,
}

impl Consent {
    /// Reads the file.
    ///
    /// # Errors
    /// Why nothing may be sent until that is mended, in one line.
    pub(super) fn now(loaded: &Arc<Config>, places: &Places) -> Result<Consent, String> {
        let fresh = Config::load(places, Asking::Never).map_err(|error| error.to_string())?;
        let authserv_ids = &loaded.mail.authserv_ids;
        if fresh.accounts != loaded.accounts || fresh.mail.authserv_ids != *authserv_ids {
            return Err(format!(
                "the accounts or the authserv_id in {} are not those that were read; have it read again (SIGHUP)",
                fresh.file.display()
            ));
        }
        let mut config = Config {
            policy: fresh.policy,
            auto_per_day: fresh.auto_per_day.min(loaded.auto_per_day),
            ..Config::clone(loaded)
        };
        let confidential = loaded.policy.confidential.iter().cloned();
        config.policy.confidential.extend(confidential);
        Ok(Consent {
            loaded: Arc::clone(loaded),
            config,
        })
    }

    /// Does that still hold?
    pub(super) fn holds(&self, places: &Places) -> bool {
        Consent::now(&self.loaded, places).is_ok_and(|now| now.config == self.config)
    }

    /// Each of them has to allow it.
    pub(super) fn policies(&self) -> [&Policy; 2] {
        [&self.loaded.policy, &self.config.policy]
    }

    /// Is there anybody for whom it may be given?
    pub(super) fn has_auto(&self) -> bool {
        self.policies().iter().all(|policy| policy.has_auto())
    }

    /// Is it given for this recipient?
    pub(super) fn is_auto(&self, recipient: &str) -> bool {
        let is_auto = |policy: &&Policy| policy.decide(recipient).0 == Decision::Auto;
        self.policies().iter().all(is_auto)
    }
}
