/// One prompt and, if there is one, the model's response to it: the thing that is judged.
package struct Exchange: Hashable, Sendable {
  /// The sender's identifier; nil when the record brings none.
  package var id: String?
  package var prompt: String
  /// The response; nil judges the prompt alone. An empty text counts as absent.
  package var response: String?
  /// The language model that answered, as the sender names it.
  package var model: String?
  package var tenant: String?
  /// The sender's own pairs, in the order of the record; values that are no strings stay JSON text.
  package var metadata: [MetadataEntry]
  /// How many texts of its record it holds; one for each of its own where nobody says otherwise.
  package var texts: ExchangeTexts

  package init(
    id: String? = nil, prompt: String, response: String? = nil, model: String? = nil,
    tenant: String? = nil, metadata: [MetadataEntry] = [], texts: ExchangeTexts? = nil
  ) {
    self.id = id
    self.prompt = prompt
    self.response = response
    self.model = model
    self.tenant = tenant
    self.metadata = metadata
    self.texts =
      texts
      ?? ExchangeTexts(
        prompt: prompt.isEmpty ? 0 : 1, response: response?.isEmpty == false ? 1 : 0)
  }
}

/// One pair of an exchange's metadata.
package struct MetadataEntry: Hashable, Sendable {
  package let name: String
  package let value: String

  package init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}
