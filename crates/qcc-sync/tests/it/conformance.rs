//! The suite's own reference keeps the contract.

use std::sync::Arc;

use qcc_sync::{MemoryStore, Store, store_conformance};

async fn fresh() -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}

store_conformance!(fresh);
