internal import Files
internal import Foundation
internal import StrictJSON

/// What a run was made of and what came of it, as a file beside the rows.
package struct AugmentationManifest: Codable, Sendable, Equatable {
  /// One server and its model.
  package struct Server: Codable, Sendable, Hashable {
    package let model: String
    package let address: String
  }

  /// How rows were labelled.
  package struct Labels: Codable, Sendable, Hashable {
    /// `teacher`, or `kind` where a row's kind is its label.
    package let by: String
    package let template: String?
  }

  /// The generator's refusal rate each way; absent without answers.
  package struct Refusals: Codable, Sendable, Hashable {
    package let withPrefix: RefusalRate?
    package let withoutPrefix: RefusalRate?

    private enum CodingKeys: String, CodingKey {
      case withPrefix = "with_prefix"
      case withoutPrefix = "without_prefix"
    }
  }

  /// Why the run ended: `finished`, `attempts`, or the part of the budget that was used up.
  package internal(set) var ended: String
  /// Of everything that the rows follow from.
  package let identity: String
  package let seed: UInt64
  package let exemplarsPerRequest: Int
  package let exemplarsAvailable: Int
  package let evaluationPrompts: Int
  package let prefix: String?
  package let instructionTemplate: String
  package let temperature: Double
  package let topP: Double
  /// The model that the rows are for, and the share of what it knows that was kept.
  package let student: String?
  package let studentKeptShare: Double?
  package let instructionTokensMax: Int
  package let responseTokensMax: Int
  package let nearDuplicateSimilarity: Double
  package let leakSimilarity: Double
  package let servers: [String: Server]
  /// Rows that were not to be made, with the reason.
  package let omitted: [String: String]
  package let labels: Labels
  package internal(set) var refusals: Refusals
  package internal(set) var counts: AugmentationCounts
  /// Of this and earlier runs.
  package internal(set) var requests: Int
  package internal(set) var tokens: Int
  /// Of this run.
  package internal(set) var seconds: Double

  private enum CodingKeys: String, CodingKey {
    case ended, identity, seed, prefix, temperature, servers, omitted, labels, refusals, counts
    case student
    case studentKeptShare = "student_kept_share"
    case requests, tokens, seconds
    case exemplarsPerRequest = "exemplars_per_request"
    case exemplarsAvailable = "exemplars_available"
    case evaluationPrompts = "evaluation_prompts"
    case instructionTemplate = "instruction_template"
    case topP = "top_p"
    case instructionTokensMax = "instruction_tokens_max"
    case responseTokensMax = "response_tokens_max"
    case nearDuplicateSimilarity = "near_duplicate_similarity"
    case leakSimilarity = "leak_similarity"
  }

  /// Writes it in one step.
  package func write(to path: String) throws(AugmentationError) {
    let json: Data
    do throws(JSONError) {
      json = try JSONCoder.encode(self, .pretty)
    } catch {
      throw .file(path: path, problem: error.problem)
    }
    try withFileErrors(as: AugmentationError.init, try DurableFiles().replace(path, with: json))
  }
}
