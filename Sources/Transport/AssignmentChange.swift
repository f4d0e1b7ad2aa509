package import Records

/// A change of the partitions that are read.
package enum AssignmentChange: Hashable, Sendable {
  /// These partitions came. They are being read already; holding them now loses nothing.
  case assigned([TopicPartition])
  /// These partitions go once the handler returns: what is judged can still be committed.
  case revoked([TopicPartition])
  /// These partitions are gone: another member may read them already, and nothing of theirs can be
  /// committed any more.
  case lost([TopicPartition])
}
