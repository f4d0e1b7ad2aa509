package import Basics
internal import Hosting
internal import LabelStore
package import LanguageModel

extension LabelRuntime {
  /// Asks the teacher, many requests at a time, until the service is over.
  func ask() {
    while let request = host.next({ $0.machine.nextRequest(now: $1) }) {
      guard mustBeAsked(request) else { continue }
      host.update { core, _ in core.tasks[request.number] = Task { await self.ask(request) } }
    }
  }

  /// Asks one question; only the lock blocks here, and only briefly.
  private func ask(_ request: TeacherRequest) async {
    let start = host.clock.now()
    let result: Result<TeacherOpinion, TeacherError>
    do throws(TeacherError) {
      result = .success(
        try await teacher.score(prompt: request.prompt, response: request.response))
    } catch {
      result = .failure(error)
    }
    conclude(request, result, since: start)
  }

  /// Whether the store does not know the answer already.
  package func mustBeAsked(_ request: TeacherRequest) -> Bool {
    let key = LabelKey(
      digest: request.digest, teacher: teacher.identity.model,
      template: teacher.identity.templateDigest)
    do throws(LabelStoreError) {
      guard let known = try store.label(key) else { return true }
      let samples = host.update { core, _ in
        core.machine.wasKnown(request.number, isUnsafe: known.isUnsafe)
      }
      for sample in samples { try store.note(sample.occurrence, of: request.digest) }
    } catch {
      if isRetriable(error) {
        host.update { $0.machine.failed(request.number, isRetriable: true, now: $1) }
      }
    }
    return false
  }

  /// Takes what the teacher said of a question.
  package func conclude(
    _ request: TeacherRequest, _ result: Result<TeacherOpinion, TeacherError>, since start: Instant
  ) {
    let wall = host.clock.wallMilliseconds()
    // What the client keeps back it has reason for, and the metrics tell.
    if case .failure(let error) = result, error.withheldFor == nil {
      teacherLog.note("\(error)")
    }
    host.update { core, now in
      core.tasks[request.number] = nil
      switch result {
      case .success(let opinion):
        core.teacherLatency.record(microseconds: now.nanoseconds(since: start) / 1_000)
        core.machine.answered(request.number, opinion, now: now, wallMilliseconds: wall)
      case .failure(let error):
        if let time = error.withheldFor {
          core.machine.withheld(request.number, for: time, now: now)
        } else {
          core.machine.failed(request.number, isRetriable: error.isRetriable, now: now)
        }
      }
    }
  }
}

extension Sample {
  /// What the store remembers of the exchange.
  var occurrence: Occurrence {
    Occurrence(exchange: identifier, tenant: tenant, source: source)
  }
}
