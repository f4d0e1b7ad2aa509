internal import FoundationEssentials
package import Sections

/// The servers that augmentation asks: `generator`, `refuser`, `complier` and `teacher`, each a
/// section with the keys of `LanguageModelSettings`; `config/augment.example.yaml` shows them.
package struct AugmentationSettings: Hashable, Sendable {
  /// Invents instructions; nil when the command line names it.
  package var generator: LanguageModelSettings?
  /// Refuses them; without it there are no refusal rows.
  package var refuser: LanguageModelSettings?
  /// Follows them; without it there are no harmful rows.
  package var complier: LanguageModelSettings?
  /// Labels the rows; without it a row's kind is its label.
  package var teacher: TeacherSettings?

  /// No server at all.
  package init() {}

  /// The servers in a YAML file.
  ///
  /// - Throws: `SettingsError` with every mistake in the file, each with its place.
  package init(
    file: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(SettingsError) {
    let collector = ProblemCollector(file: file)
    try self.init(
      yaml: SettingsDocument.read(file, collector), file: file, environment: environment)
  }

  /// The servers in a YAML text; `file` names it in problems.
  package init(
    yaml: String, file: String, environment: [String: String] = [:]
  ) throws(SettingsError) {
    let collector = ProblemCollector(file: file)
    let root = SectionReader(
      SettingsDocument.compose(yaml, collector, environment: environment), path: "",
      problems: collector)
    if let error = collector.error { throw error }
    generator = Self.server("generator", root)
    refuser = Self.server("refuser", root)
    complier = Self.server("complier", root)
    if root.node("teacher") != nil { teacher = TeacherSettings(root.section("teacher")) }
    root.finish()
    if let error = collector.error { throw error }
  }

  private static func server(_ key: String, _ root: SectionReader) -> LanguageModelSettings? {
    guard root.node(key) != nil else { return nil }
    let section = root.section(key)
    let settings = LanguageModelSettings(section)
    section.finish()
    return settings
  }
}
