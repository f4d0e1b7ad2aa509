internal import CRdKafka
package import Records

/// A consumer group as its coordinator describes it.
package struct ConsumerGroup: Hashable, Sendable {
  /// A member, and the partitions that it was told to read.
  package struct Member: Hashable, Sendable {
    /// The name that the coordinator gave it when it joined.
    package let identifier: String
    package let partitions: Set<TopicPartition>

    package init(identifier: String, partitions: Set<TopicPartition>) {
      self.identifier = identifier
      self.partitions = partitions
    }
  }

  /// Whether every member has its share and no rebalance is under way.
  package let isStable: Bool
  package let members: [Member]

  package init(isStable: Bool, members: [Member]) {
    self.isStable = isStable
    self.members = members
  }
}

extension KafkaAdmin {
  /// Asks for the members of a group and their partitions.
  ///
  /// - Throws: also when the brokers cannot tell, or will not. After `timedOut` the question stands
  ///   for up to an hour: ask again with another client.
  package func group(
    _ identifier: String, timeout: Duration
  ) throws(KafkaError) -> ConsumerGroup {
    try unsafe ask(
      .describeGroup, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, timeout: timeout
    ) { options, queue in
      unsafe identifier.withCString { name in
        var names: [UnsafePointer<CChar>?] = unsafe [name]
        unsafe rd_kafka_DescribeConsumerGroups(handle.pointer, &names, 1, options, queue)
      }
    } read: { event throws(KafkaError) in
      var count = 0
      let groups = unsafe rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event), &count)
      guard count == 1, let group = unsafe groups?[0] else {
        throw KafkaError(.describeGroup, .invalidArgument)
      }
      try unsafe KafkaError.check(
        .describeGroup, rd_kafka_error_code(rd_kafka_ConsumerGroupDescription_error(group)))
      return unsafe ConsumerGroup(group)
    }
  }
}

extension ConsumerGroup {
  fileprivate init(_ group: OpaquePointer) {
    unsafe self.init(
      isStable: rd_kafka_ConsumerGroupDescription_state(group)
        == RD_KAFKA_CONSUMER_GROUP_STATE_STABLE,
      members: (0..<rd_kafka_ConsumerGroupDescription_member_count(group)).compactMap {
        unsafe rd_kafka_ConsumerGroupDescription_member(group, $0).map { unsafe Member($0) }
      })
  }
}

extension ConsumerGroup.Member {
  fileprivate init(_ member: OpaquePointer) {
    let list = unsafe rd_kafka_MemberDescription_assignment(member).flatMap {
      unsafe rd_kafka_MemberAssignment_partitions($0)
    }
    unsafe self.init(
      identifier: rd_kafka_MemberDescription_consumer_id(member).map { unsafe String(cString: $0) }
        ?? "",
      partitions: list.map { unsafe Set($0.pointee.partitions) } ?? [])
  }
}
