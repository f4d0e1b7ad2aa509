internal import CRdKafka
package import Records

/// A consumer group as its coordinator describes it.
package struct ConsumerGroup: Hashable, Sendable {
  /// A member, and the partitions that it was told to read.
  package struct Member: Hashable, Sendable {
    /// The name that the coordinator gave it when it joined.
    package let identifier: String
    /// nil where the broker does not tell; empty where it says that the member has none.
    package let partitions: Set<TopicPartition>?

    package init(identifier: String, partitions: Set<TopicPartition>?) {
      self.identifier = identifier
      self.partitions = partitions
    }
  }

  /// Whether every member has its share and no rebalance is under way.
  package let isStable: Bool
  package let members: [Member]
  /// Whether the broker says which member has which partitions. Some say who is there only.
  package var tellsShares: Bool { members.contains { $0.partitions != nil } }

  package init(isStable: Bool, members: [Member]) {
    self.isStable = isStable
    self.members = members
  }
}

extension KafkaAdmin {
  /// Asks for the members of a group and their partitions.
  ///
  /// Every broker is asked for its groups, not the coordinator alone: the library's questions to a
  /// coordinator (`rd_kafka_DescribeConsumerGroups`) use again what they have freed when they run
  /// out of time or the broker does not know them, up to 2.0.2, and end the process.
  ///
  /// - Returns: a group without members for one that is not there.
  /// - Throws: also when the brokers cannot tell, or will not.
  package func group(
    _ identifier: String, timeout: Duration
  ) throws(KafkaError) -> ConsumerGroup {
    var list: UnsafePointer<rd_kafka_group_list>?
    let result = unsafe rd_kafka_list_groups(
      handle.pointer, identifier, &list, timeout.waitMilliseconds)
    guard let list = unsafe list else {
      try handle.check(.describeGroup, result)
      return ConsumerGroup(isStable: false, members: [])
    }
    defer { unsafe rd_kafka_group_list_destroy(list) }
    let groups = unsafe UnsafeBufferPointer(
      start: list.pointee.groups, count: Int(list.pointee.group_cnt))
    // Some brokers may be down (`RD_KAFKA_RESP_ERR__PARTIAL`): it is there, or nobody can say.
    guard let group = unsafe groups.first else {
      try handle.check(.describeGroup, result)
      return ConsumerGroup(isStable: false, members: [])
    }
    try unsafe handle.check(.describeGroup, group.err)
    return unsafe ConsumerGroup(group)
  }
}

extension ConsumerGroup {
  fileprivate init(_ group: rd_kafka_group_info) {
    let members = unsafe UnsafeBufferPointer(start: group.members, count: Int(group.member_cnt))
    unsafe self.init(
      isStable: String(cString: group.state) == "Stable", members: members.map { unsafe Member($0) }
    )
  }
}

extension ConsumerGroup.Member {
  fileprivate init(_ member: rd_kafka_group_member_info) {
    let assignment = unsafe UnsafeRawBufferPointer(
      start: member.member_assignment, count: Int(member.member_assignment_size))
    unsafe self.init(
      identifier: String(cString: member.member_id),
      partitions: assignment.isEmpty
        ? nil : GroupAssignment(Array(assignment))?.partitions ?? [])
  }
}
