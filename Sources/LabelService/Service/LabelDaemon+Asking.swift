internal import Basics
internal import Hosting
internal import LabelStore
internal import LanguageModel

extension LabelDaemon {
  /// Asks the teacher, many requests at a time, until the service is over.
  func ask() {
    while let request = host.next({ $0.machine.nextRequest(now: $1) }) {
      let key = LabelKey(
        digest: request.digest, teacher: teacher.identity.model,
        template: teacher.identity.templateDigest)
      do throws(LabelStoreError) {
        if let known = try store.label(key) {
          let samples = host.update {
            $0.machine.wasKnown(request.number, isUnsafe: known.isUnsafe, now: $1)
          }
          for sample in samples { try store.note(sample.occurrence, of: request.digest) }
          continue
        }
      } catch {
        guard isRetriable(error) else { return }
        host.update { $0.machine.failed(request.number, isRetriable: true, now: $1) }
        continue
      }
      host.update { core, _ in core.tasks[request.number] = Task { await self.ask(request) } }
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
    let wall = WallClock.milliseconds()
    host.update { core, now in
      core.tasks[request.number] = nil
      guard let opinion else {
        return core.machine.failed(request.number, isRetriable: canRetry, now: now)
      }
      core.teacherLatency.record(microseconds: now.nanoseconds(since: start) / 1_000)
      core.machine.answered(request.number, opinion, now: now, wallMilliseconds: wall)
    }
  }
}

extension Sample {
  /// What the store remembers of the exchange.
  var occurrence: Occurrence {
    Occurrence(exchange: identifier, tenant: tenant, source: source)
  }
}
