internal import DequeModule

extension Deque {
  /// Removes so many elements from the front and returns them.
  mutating func take(_ count: Int) -> [Element] {
    defer { removeFirst(count) }
    return Array(prefix(count))
  }

  /// Removes the elements that do not satisfy `isWanted` and returns them.
  mutating func removeAll(unless isWanted: (Element) -> Bool) -> [Element] {
    let removed = filter { !isWanted($0) }
    if !removed.isEmpty { removeAll(where: { !isWanted($0) }) }
    return Array(removed)
  }
}
