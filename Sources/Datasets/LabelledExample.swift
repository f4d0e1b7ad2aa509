package import Basics

/// One exchange with what is known of it: the unit of training and evaluation data.
package struct LabelledExample: Hashable, Sendable {
  /// Unique within its file.
  package var id: String
  package var prompt: String
  /// nil judges the prompt alone; an empty text counts as absent.
  package var response: String?
  /// The class: true for unsafe.
  package var isUnsafe: Bool
  /// The teacher's P(unsafe), where a teacher judged.
  package var teacherScore: Double?
  /// Where the example comes from, such as a dataset's name.
  package var source: String
  /// The tenant whose traffic it was.
  package var tenant: String?
  /// The categories of harm that it belongs to, none for a safe one; nil where nobody says.
  package var categories: [String]?

  package init(
    id: String, prompt: String, response: String? = nil, isUnsafe: Bool,
    teacherScore: Double? = nil, source: String = "", tenant: String? = nil,
    categories: [String]? = nil
  ) {
    self.id = id
    self.prompt = prompt
    self.response = response == "" ? nil : response
    self.isUnsafe = isUnsafe
    self.teacherScore = teacherScore
    self.source = source
    self.tenant = tenant
    self.categories = categories
  }

  /// What the texts are, whatever their label: equal texts have equal digests.
  package var digest: ContentDigest { ContentDigest(prompt: prompt, response: response) }
}
