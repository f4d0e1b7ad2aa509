import Records

extension Action {
  /// The number in the schema's `Action`.
  var protobufNumber: Int64 {
    switch self {
    case .allow: 1
    case .flag: 2
    case .quarantine: 3
    case .wouldQuarantine: 4
    }
  }

  /// The action with that number; nil when there is none.
  init?(protobufNumber: Int64) {
    guard let action = Self.allCases.first(where: { $0.protobufNumber == protobufNumber }) else {
      return nil
    }
    self = action
  }
}
