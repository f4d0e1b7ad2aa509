import Basics
import Datasets
import Hosting
import Kafka
import LabelStore
import Records
import Retraining
import Settings
import TestSupport
import Testing
import Wire

/// The copy of the labels, from a topic of brokers in this process.
@Suite(.serialized) struct LabelSyncTests {
  private let directory: TemporaryDirectory
  private let settings: Settings
  private let producer: KafkaProducer
  // The last to go.
  private let cluster: MockCluster

  init() throws {
    directory = try TemporaryDirectory()
    cluster = try MockCluster()
    try cluster.createTopic("labels", partitions: 2)
    settings = try directory.settings(bootstrapServers: cluster.bootstrapServers)
    producer = try KafkaProducer(KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
  }

  private func clients() throws -> KafkaClients {
    try KafkaClients(settings: settings, environment: [:])
  }

  private func send(_ values: [(key: String, value: [UInt8]?)], to topic: String) throws {
    try producer.send(
      values.map {
        OutputRecord(topic: topic, partition: nil, key: Array($0.key.utf8), value: $0.value)
      }, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }

  private func store(_ name: String = "labels") throws -> LabelStore {
    try LabelStore(path: "\(directory.path)/\(name).sqlite")
  }

  private func sync(_ store: LabelStore) throws -> LabelChanges {
    let label = try #require(settings.label)
    return try LabelSync(clients: try clients(), store: store, label: label).run()
  }

  private func publish(_ rows: [LabelledExample]) throws {
    try send(
      rows.map { row in
        let label = row.label(at: WallClock.milliseconds())
        return (row.digest.description, TeacherLabelEncoder.encode(label, as: .protobuf))
      }, to: "labels")
  }

  @Test func labelsAreReadOnFromWhereTheLastRunEnded() throws {
    let store = try store()
    #expect(try sync(store) == LabelChanges())
    try publish(rows(10))
    #expect(try sync(store).labels == 10)
    #expect(try sync(store) == LabelChanges(), "nothing is read twice")
    try publish(rows(3, from: 100))
    #expect(try sync(store).labels == 3)
    #expect(try store.counts().labels == 13)
  }

  @Test func aSyncThatForgotItsPlaceEndsWithTheSameLabels() throws {
    let store = try store()
    try publish(rows(10))
    _ = try sync(store)
    try publish(rows(5, from: 100))
    for note in ["[]", "no JSON"] {
      try store.keep(Array(note.utf8), as: "retrain positions")
      #expect(try sync(store).labels == 15)
      #expect(try store.counts().labels == 15)
    }
  }

  @Test func tombstonesEraseAndWhatCannotBeReadIsCounted() throws {
    let store = try store()
    try publish(rows(10))
    _ = try sync(store)
    try send([(row(0).digest.description, nil), ("x", [1, 2, 3])], to: "labels")
    let changes = try sync(store)
    #expect(changes.tombstones == 1 && changes.erased == 1 && changes.unreadable == 1)
    #expect(try store.placement(of: row(0).digest) == nil)
    #expect(try store.counts().labels == 9)
    // Whoever reads all of it at once knows the same.
    let late = try self.store("late")
    _ = try sync(late)
    let known = try store.counts()
    #expect(try late.counts() == known)
  }
}
