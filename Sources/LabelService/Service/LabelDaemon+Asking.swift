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
          let samples = host.update { core, _ in
            core.machine.wasKnown(request.number, isUnsafe: known.isUnsafe)
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
    do throws(TeacherError) {
      let opinion = try await teacher.score(prompt: request.prompt, response: request.response)
      let wall = WallClock.milliseconds()
      host.update { core, now in
        core.tasks[request.number] = nil
        core.teacherLatency.record(microseconds: now.nanoseconds(since: start) / 1_000)
        core.machine.answered(request.number, opinion, now: now, wallMilliseconds: wall)
      }
    } catch {
      let withheldFor = error.withheldFor
      // What the client keeps back it has reason for, and the metrics tell.
      if withheldFor == nil {
        logger.warning("the teacher failed", metadata: ["reason": "\(error)"])
      }
      host.update { core, now in
        core.tasks[request.number] = nil
        if let withheldFor {
          core.machine.withheld(request.number, for: withheldFor, now: now)
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
