internal import Foundation
internal import StrictJSON

/// What is said of models that are not computed, and what to do about them.
enum OtherModels {
  /// Refuses a configuration whose weights are packed integers.
  static func refuseQuantized(json: Data) throws(ModelError) {
    struct Quantization: Decodable {
      let quant_method: String?
    }
    struct Raw: Decodable {
      let quantization_config: Quantization?
    }
    guard let found = (try? JSONCoder.decode(Raw.self, from: json))?.quantization_config else {
      return
    }
    throw ModelError(
      File.configuration, .quantized(String((found.quant_method ?? "?").printable.prefix(40))))
  }

  /// A `model_type` other than those that are computed.
  static func sentence(modelType type: String) -> String {
    let computed = Backbone.allCases.map(\.rawValue).sorted().joined(separator: ", ")
    if type == "deberta" {
      return "is a DeBERTa of the first version (model_type = deberta), which is computed "
        + "otherwise: take a guard that was trained from DeBERTa-v2 or v3 (deberta-v2)"
    }
    if decoders.contains(where: type.hasPrefix) {
      return "is a language model (model_type = \(type)), which is not computed here: serve it "
        + "over HTTP and ask it as label.teacher, and train a small guard by its labels"
    }
    return "is a model of another kind (model_type = \(type)), which is not computed here: take a "
      + "guard of one of these: \(computed)"
  }

  /// A class in `architectures` other than those that load.
  static func sentence(architecture: String) -> String {
    "is a \(architecture), which does not classify texts: take one of these: "
      + Backbone.allCases.map(\.classifierArchitecture).sorted().joined(separator: ", ")
  }

  /// How the `model_type` of a decoder begins.
  private static let decoders = [
    "llama", "mllama", "mistral", "mixtral", "ministral", "qwen", "gemma", "shieldgemma", "phi",
    "gpt", "falcon", "bloom", "opt", "olmo", "cohere", "granite", "deepseek", "smollm", "stablelm",
    "starcoder", "mpt", "glm", "chatglm", "internlm", "baichuan", "nemotron", "exaone", "mamba",
    "codegen", "rwkv", "yi", "command", "dbrx", "jamba", "kimi", "minimax", "hunyuan", "ernie4_5",
  ]
}
