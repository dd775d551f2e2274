use super::*;

/// Rule: Store: a process that runs for a long time removes the expired records of its folder once
/// a day.
#[tokio::test]
async fn a_process_that_runs_for_long_sweeps_its_folder_daily() {
    let place = Place::new();
    let store = place.open();
    store.swap(&name("expired"), None, b"record", Some(MINUTE)).await.unwrap();
    place.clock.advance(2 * MINUTE);
    put(&store, &name("a"), None, b"record").await;
    assert_eq!(place.names(RECORD_END).len(), 2, "at most once a day");
    let mark = fs::File::options().write(true).open(place.path.join("swept")).unwrap();
    mark.set_modified(std::time::SystemTime::now() - Duration::from_secs(2 * 86_400)).unwrap();
    put(&store, &name("b"), None, b"record").await;
    assert_eq!(place.names(RECORD_END).len(), 2, "a and b");
    assert!(record(&store, &name("a")).await.is_some());
}
