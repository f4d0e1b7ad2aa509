/// A first-in, first-out queue over one array, with cheap removal from the front.
struct Queue<Element>: Sequence {
  private var elements: [Element] = []
  private var head = 0

  var count: Int { elements.count - head }
  var isEmpty: Bool { count == 0 }
  var first: Element? { isEmpty ? nil : elements[head] }

  mutating func append(_ element: Element) {
    elements.append(element)
  }

  mutating func append(contentsOf newElements: [Element]) {
    elements.append(contentsOf: newElements)
  }

  /// Puts elements before all others, keeping their order.
  mutating func prepend(contentsOf newElements: [Element]) {
    elements.replaceSubrange(0..<head, with: newElements)
    head = 0
  }

  mutating func removeFirst(_ count: Int) -> [Element] {
    let taken = Array(elements[head..<head + count])
    head += count
    if head == elements.count {
      elements.removeAll(keepingCapacity: true)
      head = 0
    } else if head > elements.count / 2 {
      elements.removeSubrange(0..<head)
      head = 0
    }
    return taken
  }

  mutating func popFirst() -> Element? {
    isEmpty ? nil : removeFirst(1).first
  }

  /// Removes the elements that do not satisfy `isWanted` and returns them.
  mutating func removeAll(unless isWanted: (Element) -> Bool) -> [Element] {
    var kept: [Element] = []
    var removed: [Element] = []
    for element in self {
      if isWanted(element) { kept.append(element) } else { removed.append(element) }
    }
    elements = kept
    head = 0
    return removed
  }

  func makeIterator() -> IndexingIterator<ArraySlice<Element>> {
    elements[head...].makeIterator()
  }
}

extension Queue: Sendable where Element: Sendable {}
