internal import Synchronization
internal import Threading

/// A TCP proxy before one Kafka broker that now and then holds a request back, cuts the client's
/// connection, so that the client's library sends it again over another, and hands the held one to
/// the broker later, when the client is in its next transaction: what overloaded brokers and load
/// balancers do with requests of dead connections (KIP-890; Jepsen 2024).
///
/// The addresses in the broker's answers to Metadata and FindCoordinator become the proxy's.
package final class HoldingProxy: Sendable {
  /// What is held, and for how long.
  package struct Plan: Sendable {
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

  private struct State {
    var random: SeededGenerator
    var held: [Int16: Int] = [:]
    var connections: [Socket] = []
    var isOver = false
  }

  /// The address to give to clients.
  package let bootstrapServers: String
  private let listener: Socket
  private let broker: UInt16
  private let plan: Plan
  private let state: Monitor<State>

  /// Starts to listen; nil if that is not possible. `broker` is a port of 127.0.0.1.
  package init?(broker: UInt16, plan: Plan) {
    guard let listener = Socket.listener() else { return nil }
    self.listener = listener
    self.broker = broker
    self.plan = plan
    bootstrapServers = "127.0.0.1:\(listener.port)"
    state = Monitor(State(random: SeededGenerator(seed: plan.seed)))
    _ = BlockingThread(name: "proxy") { [self] in
      while let client = listener.accepted() {
        guard let upstream = Socket.connected(to: broker) else {
          client.shut()
          continue
        }
        serve(client, upstream)
      }
    }
  }

  /// How many requests were held, by their kind.
  package var held: [Int16: Int] { state.withLock { $0.held } }

  /// Cuts every connection and listens no more. Whoever made the proxy has to call it.
  package func stop() {
    listener.shut()
    let connections = state.update { state in
      state.isOver = true
      return state.connections
    }
    for connection in connections { connection.shut() }
  }

  private func serve(_ client: Socket, _ upstream: Socket) {
    let isOver = state.update { state in
      state.connections += [client, upstream]
      return state.isOver
    }
    if isOver { return client.shut() }
    let asked = Asked()
    _ = BlockingThread(name: "proxy-up") { [self] in
      while let frame = Self.frame(from: client) {
        let apiKey = Int16(frame[4]) << 8 | Int16(frame[5])
        if mayHold(apiKey) {
          asked.isCut.store(true, ordering: .releasing)
          client.shut()
          return release(frame, to: upstream)
        }
        asked.apiKeys.withLock { $0.append(apiKey) }
        if !upstream.write(frame) { break }
      }
      upstream.shut()
    }
    _ = BlockingThread(name: "proxy-down") { [self] in
      while var frame = Self.frame(from: upstream) {
        if asked.isCut.load(ordering: .acquiring) { continue }
        // A broker answers in the order of the requests.
        let apiKey = asked.apiKeys.withLock { $0.isEmpty ? -1 : $0.removeFirst() }
        if apiKey == 3 || apiKey == 10 { rewriteAddresses(in: &frame) }
        if !client.write(frame) { break }
      }
      client.shut()
    }
  }

  /// What both directions of a connection know.
  private final class Asked: Sendable {
    let apiKeys = Mutex<[Int16]>([])
    let isCut = Atomic(false)
  }

  private func mayHold(_ apiKey: Int16) -> Bool {
    state.update { state in
      guard plan.apiKeys.contains(apiKey), state.held.values.reduce(0, +) < plan.heldMax,
        state.random.oneIn(plan.oneIn)
      else { return false }
      state.held[apiKey, default: 0] += 1
      return true
    }
  }

  private func release(_ frame: [UInt8], to upstream: Socket) {
    let delay = state.update { Int.random(in: plan.delayMilliseconds, using: &$0.random) }
    let due = ContinuousClock.now + .milliseconds(delay)
    state.wait { state -> Monitor<State>.WaitStep<Void> in
      let now = ContinuousClock.now
      return state.isOver || now >= due ? .done(()) : .sleep(atMost: due - now)
    }
    // The answer is read by the other thread, which throws it away.
    _ = upstream.write(frame)
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
            start + host.utf8.count..<start + old.count, with: Self.bytes(listener.port))
        }
        start += 1
      }
    }
  }

  private static func bytes(_ port: UInt16) -> [UInt8] {
    [0, 0, UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
  }
}
