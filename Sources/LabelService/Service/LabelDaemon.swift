internal import Basics
package import Hosting
internal import Kafka
package import LabelStore
package import LanguageModel
package import Logging
package import Settings
package import Telemetry

/// The labelling service on brokers: its runtime, and a thread that follows the labels topic.
package final class LabelDaemon: Sendable {
  private let runtime: LabelRuntime<KafkaConsumer, KafkaSink>
  private let follower: LabelFollower
  /// Sees to it that each partition has an owner.
  let ownership: OwnershipWatch

  /// Joins the group; nothing is read before `run`.
  ///
  /// - Throws: `StartFailure` when brokers or topics are not there, or the store cannot be read.
  package init(
    settings: Settings, label: LabelSettings, environment: [String: String], store: LabelStore,
    teacher: any Teacher, logger: Logger
  ) throws(StartFailure) {
    let clients = try KafkaClients(
      settings: settings.forLabelling(label), environment: environment,
      events: ServiceHost.kafkaEvents(logger))
    let topics =
      settings.inputTopics + [settings.outputTopics.verdicts]
      + [settings.disagreementsTopic].compactMap { $0 }
    _ = try clients.partitionCounts(of: topics + [label.topic])
    let consumer: KafkaConsumer
    let sink: KafkaSink
    do throws(KafkaError) {
      consumer = try clients.makeConsumer(
        of: topics,
        neverReading: (settings.writtenTopics + [label.topic]).filter { !topics.contains($0) })
      sink = KafkaSink(consumer: consumer, publisher: try clients.makePublisher(for: consumer))
      try consumer.subscribe(to: topics)
    } catch {
      throw .unavailable(error.description)
    }
    ownership = OwnershipWatch(
      of: topics, in: label.groupID, clients: clients, logger: logger,
      memberIdentifier: { consumer.memberIdentifier })
    follower = try LabelFollower(
      clients: clients, groupID: label.groupID, topic: label.topic, store: store,
      timeToLiveMilliseconds: label.timeToLiveMilliseconds)
    do throws(LabelStoreError) {
      runtime = try LabelRuntime(
        source: consumer, sink: sink, store: store, teacher: teacher, settings: settings,
        label: label, logger: logger)
    } catch {
      throw .model(error.description)
    }
  }

  /// Runs until `stop` or a failure; nil after `stop`. Blocks.
  package func run() -> LabelFailure? {
    runtime.run(others: [("follow", { self.follower.follow(for: self.runtime) })])
  }

  /// Asks the service to finish what is on its way and end.
  package func stop() { runtime.host.stop() }

  /// How the host of the service fares.
  package var progress: HostProgress { runtime.host.progress }

  /// Where the service stands.
  package var snapshot: LabelSnapshot { runtime.snapshot }

  /// The metrics page.
  package func metrics() -> MetricsPage {
    var page = snapshot.metricsPage()
    page.addDoubts(runtime.sink.doubts)
    ownership.add(to: &page)
    return page
  }
}
