import ArgumentParser
import DeBERTa
import Foundation

/// The sizes that DeBERTa-v3 was published in, as in `peers/cpu_peers.py`.
enum ModelShape: String, CaseIterable, ExpressibleByArgument {
  case xsmall, small, base, large

  /// The published switches, with dropout left to who trains.
  func configuration() throws -> ModelConfiguration {
    let (hidden, layers, heads, intermediate) = sizes
    let json = """
      {"model_type": "deberta-v2", "vocab_size": 128100, "hidden_size": \(hidden),
       "num_hidden_layers": \(layers), "num_attention_heads": \(heads),
       "intermediate_size": \(intermediate), "max_position_embeddings": 512, "type_vocab_size": 0,
       "layer_norm_eps": 1e-7, "relative_attention": true, "max_relative_positions": -1,
       "position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": true,
       "pos_att_type": "p2c|c2p", "position_biased_input": false}
      """
    return try ModelConfiguration(json: Data(json.utf8))
  }

  private var sizes: (hidden: Int, layers: Int, heads: Int, intermediate: Int) {
    switch self {
    case .xsmall: (384, 12, 6, 1536)
    case .small: (768, 6, 12, 3072)
    case .base: (768, 12, 12, 3072)
    case .large: (1024, 24, 16, 4096)
    }
  }
}
