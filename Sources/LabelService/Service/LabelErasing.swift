package import Basics
internal import Foundation
package import Hosting
internal import Kafka
package import LabelStore
internal import Records
package import Settings
internal import Wire

/// `sluice label erase`: forgets contents in the labels topic and in this host's store.
///
/// Tombstones come first: whoever follows the topic erases too, and should the store fail then, its
/// labelling service erases as soon as it reads them.
package struct LabelErasing: Sendable {
  /// How long nothing may come before reading is given up.
  private static let idleMax = Duration.seconds(30)
  private static let timeout = Duration.seconds(30)
  private static let batchMax = 500

  private let clients: KafkaClients
  private let label: LabelSettings

  /// - Throws: `StartFailure.configuration` when the settings have no section for labels.
  package init(
    settings: Settings, environment: [String: String]
  ) throws(StartFailure) {
    guard let label = settings.label else {
      throw .configuration("label: the section is missing")
    }
    self.label = label
    clients = try KafkaClients(
      settings: settings.forLabelling(label), environment: environment, events: KafkaEvents())
  }

  /// What was, or would be, erased.
  package struct Report: Hashable, Sendable {
    package let contents: [ContentDigest]
    package let topic: String
    /// The store's file; nil when there is none on this host.
    package let store: String?
    /// Contents that the store had.
    package fileprivate(set) var stored: Int
  }

  /// Erases what is meant.
  ///
  /// Contents are found in the store, which knows everyone who sent them, and by the labels in the
  /// topic, which know the first.
  package func run(
    _ erasure: Erasure, isDryRun: Bool
  ) throws(LabelFailure) -> Report {
    let path = FileManager.default.fileExists(atPath: label.store) ? label.store : nil
    let stored = try path.map { (path) throws(LabelFailure) in
      try Self.storing { () throws(LabelStoreError) in
        try LabelStore(path: path, access: .readOnly).contents(of: erasure)
      }
    }
    var contents = Set(stored ?? [])
    if case .content(let digest) = erasure {
      contents.insert(digest)
    } else {
      contents.formUnion(try published(erasure))
    }
    var report = Report(
      contents: contents.sorted { $0.description < $1.description }, topic: label.topic,
      store: path, stored: stored?.count ?? 0)
    if isDryRun || contents.isEmpty { return report }
    try publishTombstones(report.contents)
    guard let path else { return report }
    report.stored = try Self.storing { () throws(LabelStoreError) in
      let shares = SplitShares(validation: label.validationShare, test: label.testShare)
      let store = try LabelStore(path: path, shares: shares)
      var count = 0
      for digest in contents { count += try store.erase(.content(digest)).count }
      return count
    }
    return report
  }

  /// The contents whose labels in the topic name the exchange or the tenant.
  private func published(_ erasure: Erasure) throws(LabelFailure) -> Set<ContentDigest> {
    var found: Set<ContentDigest> = []
    var decoder = TeacherLabelDecoder()
    do throws(KafkaError) {
      let reader = try clients.makeTopicReader(of: [label.topic], from: .beginning)
      while !reader.isAtEnd {
        var records: [InputRecord] = []
        try reader.read(into: &records, max: Self.batchMax, timeout: Self.idleMax)
        for record in records {
          guard let digest = ContentDigest(key: record.key) else {
            continue
          }
          guard let value = record.value else {
            found.remove(digest)
            continue
          }
          // One that cannot be decoded names nobody.
          guard let label = try? decoder.decode(value, headers: record.headers) else { continue }
          if erasure.names(label) { found.insert(digest) }
        }
      }
    } catch {
      throw .brokers("reading \(label.topic): \(error)")
    }
    return found
  }

  private func publishTombstones(_ contents: [ContentDigest]) throws(LabelFailure) {
    do throws(KafkaError) {
      let producer = try clients.makeProducer(messageTimeout: Self.timeout)
      for start in stride(from: 0, to: contents.count, by: Self.batchMax) {
        let batch = contents[start..<min(start + Self.batchMax, contents.count)]
        do throws(SendFailure) {
          try producer.send(
            batch.map { $0.tombstone(topic: label.topic) }, timeout: Self.timeout)
        } catch {
          throw error.error
        }
        try producer.flush(timeout: Self.timeout * 2)
        if let failure = producer.deliveryFailures.first { throw failure.error }
      }
    } catch {
      throw .brokers("publishing tombstones to \(label.topic): \(error)")
    }
  }

  private static func storing<Value>(
    _ body: () throws(LabelStoreError) -> Value
  ) throws(LabelFailure) -> Value {
    do throws(LabelStoreError) {
      return try body()
    } catch {
      throw .store(error.description)
    }
  }
}

extension Erasure {
  /// Whether a published label is of the exchange or the tenant that is meant.
  fileprivate func names(_ label: TeacherLabel) -> Bool {
    switch self {
    case .content(let digest): digest.bytes == label.contentDigest
    case .exchange(let identifier): label.id == identifier
    case .tenant(let name): label.tenant == name
    }
  }
}
