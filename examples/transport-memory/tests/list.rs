use qcc_http::{Client, jiff::Timestamp, qcc_sign::Credentials};
use transport_memory::MemoryTransport;

#[tokio::test]
async fn orders_are_listed_without_a_network() {
    let list = r#"{"status":"200","msg":"","result":[
        {"orderNo":"DDMON1","orderTime":"2026-11-24 09:00:00"}]}"#;
    let transport =
        MemoryTransport::default().with("/api/dd_risk_mnr/listDdRiskLatestOrderNo", list);
    let credentials = Credentials::new("key".parse().unwrap(), "secret".parse().unwrap());
    let client = Client::with_transport(credentials, transport);
    let list = client.list_orders(Timestamp::now()).await.unwrap();
    assert_eq!(list.orders[0].order_no.as_str(), "DDMON1");
    assert!(client.activate(Timestamp::now()).await.is_err());
}
