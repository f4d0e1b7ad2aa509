package import Basics
package import LanguageModel
package import Pipeline
internal import Records

/// One content to be asked about, and everyone who sent it.
package struct TeacherRequest: Sendable {
  package let number: Int
  package let digest: ContentDigest
  package let prompt: String
  package let response: String?
  /// The first is the one that the label is named after.
  package internal(set) var samples: [Sample]
  let arrival: Instant
  var attempts = 0
  var notBefore: Instant
}

extension LabelMachine {
  /// A content is unsafe above this probability (HarmAug §3.2).
  package static let decisionThreshold = 0.5

  /// Puts a chosen exchange into the queue, together with others of the same content.
  mutating func enqueue(_ sample: Sample, _ exchange: Exchange, now: Instant) {
    guard caps.spend(sample.tenant, at: now) else { return leave([sample], .tenantCap) }
    let digest = ContentDigest(prompt: exchange.prompt, response: exchange.response)
    if let index = queue.firstIndex(where: { $0.digest == digest }) {
      return queue[index].samples.append(sample)
    }
    if let number = inFlight.first(where: { $0.value.digest == digest })?.key {
      inFlight[number]?.samples.append(sample)
      return
    }
    if limits.whenUnavailable == .shed, queue.count >= limits.queueMax {
      return leave([sample], .queueFull)
    }
    nextNumber += 1
    let response = exchange.response.flatMap { $0.isEmpty ? nil : $0 }
    queue.append(
      TeacherRequest(
        number: nextNumber, digest: digest, prompt: exchange.prompt, response: response,
        samples: [sample], arrival: now, notBefore: now))
  }

  /// The next question to ask. How many requests it takes, and whether any may be made, is up to
  /// the teacher's client.
  package mutating func nextRequest(now: Instant) -> Decision<TeacherRequest> {
    guard !isDraining, !queue.isEmpty else { return .wait(until: nil) }
    guard inFlight.count < limits.concurrentMax else { return .wait(until: nil) }
    if let withheldUntil, now < withheldUntil { return .wait(until: withheldUntil) }
    guard let index = queue.firstIndex(where: { $0.notBefore <= now }) else {
      return .wait(until: queue.map(\.notBefore).min())
    }
    var request = queue.remove(at: index)
    request.attempts += 1
    inFlight[request.number] = request
    return .perform(request)
  }

  /// The teacher answered, which may be that it cannot tell.
  package mutating func answered(
    _ number: Int, _ opinion: TeacherOpinion, now: Instant, wallMilliseconds: Int64
  ) {
    withheldUntil = nil
    guard let request = inFlight.removeValue(forKey: number), let first = request.samples.first
    else { return }
    guard let probability = opinion.unsafeProbability else {
      return leave(request.samples, .unanswerable)
    }
    let isUnsafe = probability > Self.decisionThreshold
    let label = TeacherLabel(
      id: first.identifier, contentDigest: request.digest.bytes, prompt: request.prompt,
      response: request.response, tenant: first.tenant,
      teacherScore: Score(Float(probability)), isUnsafe: isUnsafe, teacher: teacher.model,
      templateDigest: teacher.templateDigest.bytes,
      inclusionProbability: first.selection.inclusionProbability,
      stratum: first.selection.stratum.rawValue, guardModel: first.guardModel,
      guardScore: first.guardScore, source: first.source,
      labelledAtMilliseconds: wallMilliseconds)
    estimate(request.samples, isUnsafe: isUnsafe)
    if !isPublishing { lastPublication = max(lastPublication, now) }
    finished.append(FinishedLabel(label: label, samples: request.samples))
  }

  /// The label of a request was known already: the request was not made. Returns who sent the
  /// content now.
  package mutating func wasKnown(_ number: Int, isUnsafe: Bool) -> [Sample] {
    guard let request = inFlight.removeValue(forKey: number) else { return [] }
    counters.reused += request.samples.count
    estimate(request.samples, isUnsafe: isUnsafe)
    for sample in request.samples { finish(sample) }
    return request.samples
  }

  /// The teacher did not answer.
  package mutating func failed(_ number: Int, isRetriable: Bool, now: Instant) {
    withheldUntil = nil
    guard var request = inFlight.removeValue(forKey: number) else { return }
    guard isRetriable else { return leave(request.samples, .unanswerable) }
    if limits.whenUnavailable == .shed, request.attempts >= limits.attemptsMax {
      return leave(request.samples, .teacherFailed)
    }
    let doublings = min(request.attempts - 1, 8)
    request.notBefore = now.advanced(byMilliseconds: 250 << doublings)
    putBack(request)
  }

  /// The teacher's client kept a question back, and will keep others back for that long.
  package mutating func withheld(_ number: Int, for delay: Duration, now: Instant) {
    withheldUntil = now.advanced(byMilliseconds: max(1, Int(delay.milliseconds)))
    guard var request = inFlight.removeValue(forKey: number) else { return }
    request.attempts -= 1
    putBack(request)
  }

  private mutating func putBack(_ request: TeacherRequest) {
    let index = queue.firstIndex { $0.number > request.number } ?? queue.endIndex
    queue.insert(request, at: index)
  }

  private mutating func estimate(_ samples: [Sample], isUnsafe: Bool) {
    for sample in samples {
      guard let cell = sample.cell else { continue }
      estimator.labelled(
        cell, atMilliseconds: sample.seenAtMilliseconds,
        inclusionProbability: sample.selection.inclusionProbability, isUnsafe: isUnsafe)
    }
  }
}
