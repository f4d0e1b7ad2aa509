internal import DequeModule
internal import Records

/// Keeps the order of each partition's records while their batches end in any order.
///
/// A record that is judged waits here for those before it in its partition, and for no others.
struct ReleaseOrder: Sendable {
  fileprivate struct Place: Sendable {
    let offset: Offset
    var judged: JudgedItem?
  }

  /// By assignment, in the order of offsets.
  private var places: [AssignmentID: Deque<Place>] = [:]

  /// Whether nothing is on its way.
  var isEmpty: Bool { places.isEmpty }

  /// Gives records their places, each partition's in order.
  mutating func append(_ items: [PreparedItem]) {
    for item in items {
      places[item.assignment, default: []].append(Place(offset: item.offset))
    }
  }

  /// Takes records that are judged, and returns what may go on now, each partition's in order.
  mutating func finish(_ items: [JudgedItem]) -> [JudgedItem] {
    var released: [JudgedItem] = []
    released.reserveCapacity(items.count)
    for item in items {
      let assignment = item.assignment
      guard let entry = places.index(forKey: assignment) else {
        preconditionFailure("a record was judged that has no place")
      }
      let index = places.values[entry].index(of: item.offset)
      if index > 0 {
        places.values[entry][index].judged = item
        continue
      }
      released.append(item)
      places.values[entry].removeFirst()
      while let next = places.values[entry].first?.judged {
        released.append(next)
        places.values[entry].removeFirst()
      }
      if places.values[entry].isEmpty { places.remove(at: entry) }
    }
    return released
  }

  /// For each assignment the last offset that is judged and waits.
  var lastJudged: [AssignmentID: Offset] {
    places.compactMapValues { $0.last { $0.judged != nil }?.offset }
  }

  /// Takes the places of records away that will not be judged.
  mutating func discard(_ items: [PreparedItem]) {
    for (assignment, items) in Dictionary(grouping: items, by: \.assignment) {
      let offsets = Set(items.map(\.offset))
      places[assignment]?.removeAll(where: { offsets.contains($0.offset) })
      if places[assignment]?.isEmpty == true { places[assignment] = nil }
    }
  }
}

extension Deque<ReleaseOrder.Place> {
  /// Where the place of an offset is: mostly in front.
  fileprivate func index(of offset: Offset) -> Int {
    var (low, high) = (0, count - 1)
    if first?.offset == offset { return 0 }
    while low < high {
      let middle = (low + high) / 2
      if self[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    precondition(low < count && self[low].offset == offset, "a record was judged without a place")
    return low
  }
}
