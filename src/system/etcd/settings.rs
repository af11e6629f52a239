//! `[system.NAME]` of kind `etcd`.

use serde::{Deserialize, Serialize};

use crate::config::settings;
use crate::system::named::Named;
use crate::system::storage_medium::StorageMedium;

settings! {
    /// Where the members come from, and where they keep their logs.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct EtcdSettings {
        /// The program for local processes: a name on the path, or a path.
        program: Named = Named::new("etcd");
        /// The image for containers.
        image: Named = Named::new("etcd:v3.5");
        /// Where the databases lie.
        storage: StorageMedium = StorageMedium::Disk;
    }
}
