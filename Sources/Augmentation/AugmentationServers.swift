package import LanguageModel
package import Settings

/// The servers of one run, connected.
package struct AugmentationServers: Sendable {
  let generator: LanguageModelClient
  let refuser: LanguageModelClient?
  let complier: LanguageModelClient?
  let teacher: LogProbabilityTeacher?

  package init(
    generator: LanguageModelClient, refuser: LanguageModelClient? = nil,
    complier: LanguageModelClient? = nil, teacher: LogProbabilityTeacher? = nil
  ) {
    self.generator = generator
    self.refuser = refuser
    self.complier = complier
    self.teacher = teacher
  }

  /// Reaches each server of the settings once.
  ///
  /// - Throws: `AugmentationError` for the first that cannot be reached or used.
  package static func connect(
    _ settings: AugmentationSettings
  ) async throws(AugmentationError) -> AugmentationServers {
    guard let generator = settings.generator else {
      throw .data("no generator is named: instructions come from it")
    }
    var teacher: LogProbabilityTeacher?
    if let settings = settings.teacher {
      do throws(TeacherError) {
        teacher = try await LogProbabilityTeacher.connect(settings)
      } catch {
        throw AugmentationError(error)
      }
    }
    return AugmentationServers(
      generator: try await client(generator, role: "generator"),
      refuser: try await optionalClient(settings.refuser, role: "refuser"),
      complier: try await optionalClient(settings.complier, role: "complier"), teacher: teacher)
  }

  private static func optionalClient(
    _ settings: LanguageModelSettings?, role: String
  ) async throws(AugmentationError) -> LanguageModelClient? {
    guard let settings else { return nil }
    return try await client(settings, role: role)
  }

  private static func client(
    _ settings: LanguageModelSettings, role: String
  ) async throws(AugmentationError) -> LanguageModelClient {
    do throws(LanguageModelError) {
      let client = try await LanguageModelClient.connect(settings)
      do throws(LanguageModelError) {
        _ = try await client.modelNames()
      } catch {
        // A server need not list its models, but it has to be there and know the key.
        guard case .status(let code) = error.kind, code != 401, code != 403, code < 500 else {
          throw error
        }
      }
      return client
    } catch {
      throw AugmentationError(error, role: role)
    }
  }
}
