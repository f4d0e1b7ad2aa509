internal import Basics
internal import Hosting
internal import Kafka
internal import Records
internal import Threading

extension LabelDaemon {
  /// Reads until the service is to stop or has failed, then leaves the group in order.
  func read() {
    var decoder = LabelDecoder(
      sampler: Sampler(plan: options.plan), verdictsTopic: options.verdictsTopic,
      disagreementsTopic: options.disagreementsTopic, inputFormat: options.inputFormat,
      conversations: options.conversations, verdictFormat: options.verdictFormat)
    var records: [InputRecord] = []
    do throws(KafkaError) {
      while state.withLock({ !$0.isStopping && $0.failure == nil }) {
        try holdBack()
        try consumer.pollBatch(
          into: &records, max: options.pollRecordsMax,
          timeout: .milliseconds(options.pollMilliseconds), onRebalance: rebalanced)
        var inputs: [LabelInput] = []
        inputs.reserveCapacity(records.count)
        for record in records { inputs.append(decoder.decode(record)) }
        records.removeAll(keepingCapacity: true)
        state.update { state in
          state.lastPoll = Instant.now
          state.machine.receive(
            inputs, now: state.lastPoll, wallMilliseconds: WallClock.milliseconds())
          state.machine.expire(now: state.lastPoll)
        }
      }
      drain { $0.machine.isDraining = true }
      let time = options.drainTimeoutMilliseconds + options.closeMilliseconds
      if try !consumer.close(timeout: .milliseconds(time), onRebalance: rebalanced) {
        logger.warning("left the group without its answer")
      }
    } catch {
      state.update { $0.fail(.brokers(error.description)) }
    }
  }

  /// Pauses what should not be read now, and resumes what may be read again.
  private func holdBack() throws(KafkaError) {
    let pauses = state.withLock { $0.machine.pauses() }
    let paused = consumer.pausedPartitions
    guard pauses.exchanges || pauses.verdicts || !paused.isEmpty else { return }
    let partitions = try consumer.assignment()
    let wanted = Set(
      partitions.filter {
        $0.topic == options.verdictsTopic ? pauses.verdicts : pauses.exchanges
      })
    try consumer.pause(Array(wanted.subtracting(paused)))
    try consumer.resume(Array(paused.subtracting(wanted)))
  }

  /// Called on the reading thread: returns once partitions may be given back.
  private func rebalanced(_ event: RebalanceEvent) {
    switch event {
    case .assigned(let partitions):
      state.update { state in
        state.machine.assign(partitions)
        state.wasAssigned = true
      }
    case .lost(let partitions):
      state.update { $0.machine.remove(partitions) }
    case .revoked(let partitions):
      // What is answered is published and committed; what is still asked is asked again by the
      // next owner, unless the label comes in time to be found in its store.
      drain { $0.machine.isHurried = true }
      state.update { state in
        state.machine.remove(partitions)
        state.machine.isHurried = false
      }
    }
  }

  /// Waits until nothing is left to publish, within the time limit; when the service is about to
  /// stop, also for the requests on their way.
  private func drain(_ prepare: (inout LabelState) -> Void) {
    state.update(prepare)
    let deadline = Instant.now.advanced(byMilliseconds: options.drainTimeoutMilliseconds)
    _ = state.wait { state -> Monitor<LabelState>.Turn<Bool> in
      let machine = state.machine
      let isDone = machine.isDraining ? machine.isDrained : machine.isPublished
      if isDone || state.failure != nil { return .done(true) }
      let time = Instant.now
      return time >= deadline ? .done(false) : .sleep(atMost: time.duration(until: deadline))
    }
  }
}
