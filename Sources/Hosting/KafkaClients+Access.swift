package import Kafka

extension KafkaClients {
  /// What a stream has to do at the brokers and may not.
  ///
  /// Nothing is committed, and no member of the group is disturbed. Whether it may write is tried
  /// by one record for each topic in a transaction that is aborted, under a name of its own:
  /// `-check` behind the group's. Without transactions it is not tried, since nothing could be
  /// taken back.
  ///
  /// - Throws: `StartFailure.unavailable` when it cannot be told.
  package func refusedRights(
    reading inputs: [String], writing outputs: [String]
  ) throws(StartFailure) -> [AccessTrial.Refusal] {
    do throws(KafkaError) {
      let refusals = try AccessTrial.reading(
        consuming, topics: inputs, timeout: Self.askingLimit, events: events)
      guard let name = nameOfTrial else { return refusals }
      var configuration = publishing
      configuration["transactional.id"] = name
      return try refusals
        + AccessTrial.writing(
          configuration, topics: outputs, timeout: Self.askingLimit, events: events)
    } catch {
      throw .unavailable("trying what this user may do: \(error)")
    }
  }

  /// The name under which writing is tried; nil where transactions are not used.
  package var nameOfTrial: String? {
    settings.delivery == .exactlyOnce ? settings.kafka.groupID + "-check" : nil
  }
}
