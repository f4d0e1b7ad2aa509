/// What a settings file may say at one place, as the code that reads it asks for it.
package struct SettingDeclaration: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// Keys of its own.
    case section
    /// Keys of which the names are not ours, each with what the one called `any` was asked for.
    case names
    /// Keys of which the names are not ours, with plain values.
    case pairs
    case text
    /// A text or a list of them.
    case texts
    case flag
    case number(ClosedRange<Int>)
    case real(ClosedRange<Double>)
    /// A number of bytes, or a text such as 4MiB.
    case size
    case choice([String])
    /// A text of which `expected` says what it is.
    case value(expected: String)
  }

  /// The names of the sections and the key.
  package let path: [String]
  package let kind: Kind
  package let isRequired: Bool
}
