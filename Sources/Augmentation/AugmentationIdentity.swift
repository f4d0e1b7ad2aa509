internal import Basics
internal import Foundation
internal import LanguageModel
internal import StrictJSON

/// Everything that the rows follow from: runs with the same identity make the same rows, as far as
/// their servers answer the same, and one can go on where another stopped.
struct AugmentationIdentity: Encodable {
  let version = Journal.version
  let seed: UInt64
  let exemplars: Int
  let prefix: String?
  let template: String
  let temperature: Double
  let topP: Double
  let instructionTokensMax: Int
  let responseTokensMax: Int
  let nearDuplicate: Double
  let leak: Double
  let makesBenign: Bool
  let sources: String
  let models: [String]
  let teacher: [String]
  /// Absent without one, as in journals from before there were any.
  let student: String?

  init(
    _ plan: AugmentationPlan, _ servers: AugmentationServers, _ sources: AugmentationSources,
    _ student: AugmentationStudent?
  ) {
    seed = plan.seed
    exemplars = plan.exemplars
    prefix = plan.prefix
    template = InstructionTemplate.digest(prefix: plan.prefix).description
    temperature = plan.temperature
    topP = plan.topP
    instructionTokensMax = plan.instructionTokensMax
    responseTokensMax = plan.responseTokensMax
    nearDuplicate = plan.nearDuplicate
    leak = plan.leak
    makesBenign = plan.makesBenign
    self.sources = sources.digest.description
    models = [servers.generator, servers.refuser, servers.complier].map { $0?.model ?? "" }
    let identity = servers.teacher?.identity
    teacher = identity.map { [$0.model, $0.templateDigest.description] } ?? []
    self.student = student.map { "\($0.model) \($0.keptShare)" }
  }

  var digest: ContentDigest {
    // Texts and finite numbers always encode. Journals know identities with slashes escaped.
    let text = String(decoding: (try? JSONCoder.encode(self)) ?? Data(), as: UTF8.self)
    return ContentDigest(of: text.replacing("/", with: #"\/"#).utf8)
  }
}
