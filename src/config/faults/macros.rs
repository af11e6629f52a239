//! What the list of faults declares.

/// Declares [`FaultKind`](super::FaultKind) and [`FaultEvent`](super::FaultEvent) from a list of modules and their
/// types, each of which implements [`FaultSettings`](super::settings::FaultSettings).
macro_rules! fault_kinds {
    ($($module:ident::$kind:ident,)+) => {
        /// A kind of fault with its settings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FaultKind {
            $(
                #[doc = concat!("The settings of `", stringify!($module), "`.")]
                $kind($module::$kind),
            )+
        }

        /// What was done to a node on purpose: a fault began, or one ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FaultEvent {
            $(
                #[doc = concat!("The beginning of `", stringify!($module), "`.")]
                $kind,
            )+
            /// The node was started again, empty; ended when it answered.
            Restart,
            /// The node was thawed.
            Resume,
            /// The node was cut off or slow, and is no more.
            Heal,
        }

        impl FaultKind {
            /// What this kind says of its settings.
            pub(super) fn settings(&self) -> &dyn $crate::config::faults::settings::FaultSettings {
                match self {
                    $(Self::$kind(settings) => settings,)+
                }
            }

            /// What its beginning is called in `faults.csv`.
            #[must_use]
            pub const fn event(&self) -> FaultEvent {
                match self {
                    $(Self::$kind(_) => FaultEvent::$kind,)+
                }
            }

            /// Reads the settings of the kind that begins with `event`. `None` if they are wrong, which is reported.
            pub(super) fn read(
                event: FaultEvent,
                fields: &mut $crate::config::Fields<'_>,
                kind: &std::ops::Range<usize>,
                problems: &mut $crate::config::Problems<'_>,
            ) -> Option<Self> {
                use $crate::config::faults::settings::FaultSettings as _;
                match event {
                    $(FaultEvent::$kind => $module::$kind::read(fields, kind, problems).map(Self::$kind),)+
                    FaultEvent::Restart | FaultEvent::Resume | FaultEvent::Heal => None,
                }
            }

            /// The settings, as JSON has them, of the kind that begins with `event`.
            pub(super) fn from_json(event: FaultEvent, settings: serde_json::Value) -> serde_json::Result<Self> {
                match event {
                    $(FaultEvent::$kind => serde_json::from_value(settings).map(Self::$kind),)+
                    FaultEvent::Restart | FaultEvent::Resume | FaultEvent::Heal => {
                        Err(serde::de::Error::custom("the end of a fault has no settings"))
                    }
                }
            }

            /// What must hold of both this and an earlier fault at the same node, if they are of one kind.
            pub(super) fn conflict(&self, earlier: &Self, node: $crate::model::NodeId) -> Option<String> {
                use $crate::config::faults::settings::FaultSettings as _;
                match (self, earlier) {
                    $((Self::$kind(own), Self::$kind(earlier)) => own.conflict(earlier, node),)+
                    _ => None,
                }
            }
        }

        impl FaultEvent {
            /// The beginnings of all kinds, in the order in which messages name them.
            pub(super) const BEGINNINGS: &'static [Self] = &[$(Self::$kind),+];

            /// What is known of all faults that begin so. `None` if it ends one.
            pub(super) fn fault_type(self) -> Option<$crate::config::faults::settings::FaultType> {
                use $crate::config::faults::settings::FaultSettings as _;
                match self {
                    $(Self::$kind => Some($module::$kind::kind()),)+
                    Self::Restart | Self::Resume | Self::Heal => None,
                }
            }
        }

        impl serde::Serialize for FaultKind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                /// The name of the kind, and its settings beside it.
                #[derive(serde::Serialize)]
                struct Tagged<'a, T> {
                    kind: &'static str,
                    #[serde(flatten)]
                    settings: &'a T,
                }
                use $crate::config::faults::settings::FaultSettings as _;
                match self {
                    $(Self::$kind(settings) => Tagged { kind: $module::$kind::kind().name, settings }.serialize(serializer),)+
                }
            }
        }
    };
}
pub(super) use fault_kinds;
