internal import Synchronization
internal import Threading

/// A TCP proxy before one Kafka broker that does to its clients what networks do.
///
/// It reads frames: a length of four bytes and as many bytes as it says. The addresses in the
/// broker's answers to Metadata and FindCoordinator become the proxy's.
package final class KafkaProxy: Sendable {
  /// Now and then a request is held back, its client's connection is cut, so that the client's
  /// library sends it again over another, and the held one is handed to the broker later, when the
  /// client is in its next transaction: what overloaded brokers and load balancers do with requests
  /// of dead connections (KIP-890; Jepsen 2024).
  package struct Holding: Sendable {
    /// Kinds of requests, as Kafka's protocol numbers them.
    package let apiKeys: Set<Int16>
    /// One request in so many is held.
    package let oneIn: Int
    package let delayMilliseconds: ClosedRange<Int>
    package let heldMax: Int
    package let seed: UInt64

    package init(
      apiKeys: Set<Int16> = Self.transactional, oneIn: Int, delayMilliseconds: ClosedRange<Int>,
      heldMax: Int, seed: UInt64
    ) {
      self.apiKeys = apiKeys
      self.oneIn = oneIn
      self.delayMilliseconds = delayMilliseconds
      self.heldMax = heldMax
      self.seed = seed
    }

    /// Produce, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn and TxnOffsetCommit.
    package static let transactional: Set<Int16> = [0, 24, 25, 26, 28]
  }

  /// Where frames go.
  package enum Direction: Sendable { case toBroker, toClient }

  /// What happens to all connections at some moment.
  package enum Fault: Sendable {
    /// Each ends.
    case cut
    /// Each ends after half of the next frame, whatever its direction.
    case cutInFrame
    /// For that long nothing arrives on this side, and then all of it does: TCP sends again.
    case partition(Direction, Duration)
    /// Nothing passes ever again, and both sides learn of it after that long.
    case halfOpen(Duration)
    /// Each ends, and for that long none comes about.
    case refuse(Duration)
    /// For `duration` each frame takes so much longer.
    case slow(by: Duration, for: Duration)
  }

  private struct State {
    var random: SeededGenerator
    var held: [Int16: Int] = [:]
    var links: [Link] = []
    var isOver = false
    var opens: [Direction: ContinuousClock.Instant] = [:]
    var refusesUntil: ContinuousClock.Instant?
    var delay: (by: Duration, until: ContinuousClock.Instant)?
  }

  /// The address to give to clients.
  package let bootstrapServers: String
  package var port: UInt16 { listener.port }
  private let listener: Socket
  private let broker: UInt16
  /// The port that clients are told.
  private let advertised: UInt16
  private let holding: Holding?
  private let state: Monitor<State>

  /// Starts to listen; nil if that is not possible.
  ///
  /// - Parameters:
  ///   - broker: a port of 127.0.0.1.
  ///   - advertised: the port of whoever stands before this proxy; its own by default.
  package init?(broker: UInt16, advertised: UInt16? = nil, holding: Holding? = nil) {
    guard let listener = Socket.listener() else { return nil }
    self.listener = listener
    self.broker = broker
    self.advertised = advertised ?? listener.port
    self.holding = holding
    bootstrapServers = "127.0.0.1:\(listener.port)"
    state = Monitor(State(random: SeededGenerator(seed: holding?.seed ?? 0)))
    _ = BlockingThread(name: "proxy") { [self] in
      while let client = listener.accepted() {
        guard !isRefusing, let upstream = Socket.connected(to: broker) else {
          client.shut()
          continue
        }
        serve(Link(client: client, upstream: upstream))
      }
    }
  }

  /// How many requests were held, by their kind.
  package var held: [Int16: Int] { state.withLock { $0.held } }

  /// Lets it happen now.
  package func apply(_ fault: Fault) {
    let now = ContinuousClock.now
    let links = state.update { state in
      switch fault {
      case .cut, .cutInFrame, .halfOpen: break
      case .partition(let direction, let duration): state.opens[direction] = now + duration
      case .refuse(let duration): state.refusesUntil = now + duration
      case .slow(let extra, let duration): state.delay = (extra, now + duration)
      }
      state.links.removeAll { $0.isOver.load(ordering: .relaxed) }
      return state.links
    }
    switch fault {
    case .cut, .refuse: for link in links { link.end() }
    case .cutInFrame: for link in links { link.endsInFrame.store(true, ordering: .relaxed) }
    case .halfOpen(let duration):
      for link in links { link.isDead.store(true, ordering: .relaxed) }
      _ = BlockingThread(name: "half-open") { [self] in
        wait(until: now + duration)
        for link in links { link.end() }
      }
    case .partition, .slow: break
    }
  }

  /// Cuts every connection and listens no more. Whoever made the proxy has to call it.
  package func stop() {
    listener.shut()
    let links = state.update { state in
      state.isOver = true
      return state.links
    }
    for link in links { link.end() }
  }

  private func serve(_ link: Link) {
    let isOver = state.update { state in
      state.links.append(link)
      return state.isOver
    }
    if isOver { return link.end() }
    _ = BlockingThread(name: "proxy-up") { [self] in
      while let frame = Self.frame(from: link.client) {
        let apiKey = Int16(frame[4]) << 8 | Int16(frame[5])
        if mayHold(apiKey) {
          link.isCut.store(true, ordering: .releasing)
          link.client.shut()
          return release(frame, to: link.upstream)
        }
        link.asked.withLock { $0.append(apiKey) }
        if !pass(frame, .toBroker, link) { break }
      }
      link.upstream.shut()
    }
    _ = BlockingThread(name: "proxy-down") { [self] in
      while var frame = Self.frame(from: link.upstream) {
        if link.isCut.load(ordering: .acquiring) { continue }
        // A broker answers in the order of the requests.
        let apiKey = link.asked.withLock { $0.isEmpty ? -1 : $0.removeFirst() }
        if apiKey == 3 || apiKey == 10 { rewriteAddresses(in: &frame) }
        if !pass(frame, .toClient, link) { break }
      }
      link.client.shut()
      link.isOver.store(true, ordering: .relaxed)
    }
  }

  /// Hands a frame on when the state of the network lets it through; false when the link has ended.
  private func pass(_ frame: [UInt8], _ direction: Direction, _ link: Link) -> Bool {
    let start = ContinuousClock.now
    state.wait { state -> Monitor<State>.WaitStep<Void> in
      let now = ContinuousClock.now
      var due = state.opens[direction] ?? start
      if let delay = state.delay, start < delay.until { due = max(due, start + delay.by) }
      return state.isOver || now >= due ? .done(()) : .sleep(atMost: due - now)
    }
    if link.isDead.load(ordering: .relaxed) { return true }
    let to = direction == .toBroker ? link.upstream : link.client
    if link.endsInFrame.load(ordering: .relaxed) {
      _ = to.write(Array(frame.prefix(frame.count / 2)))
      link.end()
      return false
    }
    return to.write(frame)
  }

  private var isRefusing: Bool {
    state.withLock { state in state.refusesUntil.map { ContinuousClock.now < $0 } ?? false }
  }

  private func mayHold(_ apiKey: Int16) -> Bool {
    guard let holding else { return false }
    return state.update { state in
      guard holding.apiKeys.contains(apiKey),
        state.held.values.reduce(0, +) < holding.heldMax,
        state.random.oneIn(holding.oneIn)
      else { return false }
      state.held[apiKey, default: 0] += 1
      return true
    }
  }

  private func release(_ frame: [UInt8], to upstream: Socket) {
    guard let holding else { return }
    let delay = state.update { Int.random(in: holding.delayMilliseconds, using: &$0.random) }
    wait(until: ContinuousClock.now + .milliseconds(delay))
    // The answer is read by the other thread, which throws it away.
    _ = upstream.write(frame)
  }

  /// Returns at that time, or when the proxy is stopped.
  private func wait(until due: ContinuousClock.Instant) {
    state.wait { state -> Monitor<State>.WaitStep<Void> in
      let now = ContinuousClock.now
      return state.isOver || now >= due ? .done(()) : .sleep(atMost: due - now)
    }
  }

  /// One request or answer with its length.
  private static func frame(from socket: Socket) -> [UInt8]? {
    guard let head = socket.read(4) else { return nil }
    let count = head.reduce(0) { $0 << 8 | Int($1) }
    guard count >= 8, let body = socket.read(count) else { return nil }
    return head + body
  }

  /// Puts the proxy's port in the place of the broker's, wherever it follows a name of this host.
  private func rewriteAddresses(in frame: inout [UInt8]) {
    for host in ["127.0.0.1", "localhost"] {
      let old = Array(host.utf8) + Self.bytes(broker)
      var start = 0
      while start + old.count <= frame.count {
        if Array(frame[start..<start + old.count]) == old {
          frame.replaceSubrange(
            start + host.utf8.count..<start + old.count, with: Self.bytes(advertised))
        }
        start += 1
      }
    }
  }

  private static func bytes(_ port: UInt16) -> [UInt8] {
    [0, 0, UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
  }

  /// A client's connection and the one to the broker that belongs to it.
  private final class Link: Sendable {
    let client: Socket
    let upstream: Socket
    /// Kinds of the requests that wait for their answers.
    let asked = Mutex<[Int16]>([])
    /// The client's side was cut, and what the broker still answers is for nobody.
    let isCut = Atomic(false)
    let isDead = Atomic(false)
    let endsInFrame = Atomic(false)
    let isOver = Atomic(false)

    init(client: Socket, upstream: Socket) { (self.client, self.upstream) = (client, upstream) }

    func end() {
      client.shut()
      upstream.shut()
    }
  }
}
