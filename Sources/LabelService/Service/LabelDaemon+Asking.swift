internal import Basics
internal import Hosting
internal import LabelStore
internal import LanguageModel

extension LabelDaemon {
  /// Asks the teacher, many requests at a time, until the service is over.
  func ask() {
    while let request = nextWork({ $0.machine.nextRequest(now: $1) }) {
      let key = LabelKey(
        digest: request.digest, teacher: teacher.identity.model,
        template: teacher.identity.templateDigest)
      do throws(LabelStoreError) {
        if let known = try store.label(key) {
          let samples = state.update {
            $0.machine.wasKnown(request.number, isUnsafe: known.isUnsafe, now: Instant.now)
          }
          for sample in samples { try store.note(sample.occurrence, of: request.digest) }
          continue
        }
      } catch {
        guard isRetriable(error) else { return }
        state.update { $0.machine.failed(request.number, isRetriable: true, now: Instant.now) }
        continue
      }
      state.update { $0.tasks[request.number] = Task { await self.ask(request) } }
    }
  }

  /// Asks one question; only the lock blocks here, and only briefly.
  private func ask(_ request: TeacherRequest) async {
    let start = Instant.now
    let opinion: TeacherOpinion?
    var isRetriable = false
    do throws(TeacherError) {
      opinion = try await teacher.score(prompt: request.prompt, response: request.response)
    } catch {
      opinion = nil
      isRetriable = error.isRetryable
      logger.warning("the teacher failed", metadata: ["reason": "\(error)"])
    }
    let canRetry = isRetriable
    state.update { state in
      state.tasks[request.number] = nil
      let end = Instant.now
      guard let opinion else {
        return state.machine.failed(request.number, isRetriable: canRetry, now: end)
      }
      state.teacherLatency.record(microseconds: end.nanoseconds(since: start) / 1_000)
      state.machine.answered(
        request.number, opinion, wallMilliseconds: WallClock.milliseconds())
    }
  }
}

extension Sample {
  /// What the store remembers of the exchange.
  var occurrence: Occurrence {
    Occurrence(exchange: identifier, tenant: tenant, source: source)
  }
}
