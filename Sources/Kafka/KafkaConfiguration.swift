/// Properties for a client, in the order in which they were given.
///
/// Every property of librdkafka can be set; the names and values are not interpreted here. The
/// client refuses unknown names and bad values with an error that names the property, never the
/// value, which may be a secret.
package struct KafkaConfiguration: Sendable {
  /// One property.
  package struct Property: Hashable, Sendable {
    package let name: String
    package let value: String
  }

  package private(set) var properties: [Property] = []

  package init() {}

  /// Properties as pairs; the last of a name wins.
  package init(_ pairs: KeyValuePairs<String, String>) {
    for (name, value) in pairs { self[name] = value }
  }

  /// Properties for a cluster at `bootstrapServers`, `host:port` with commas between several.
  package init(bootstrapServers: String) { self["bootstrap.servers"] = bootstrapServers }

  /// The value of the property `name`; nil leaves it to librdkafka's default.
  package subscript(name: String) -> String? {
    get { properties.first { $0.name == name }?.value }
    set {
      let position = properties.firstIndex { $0.name == name }
      switch (position, newValue) {
      case (let position?, let value?):
        properties[position] = Property(name: name, value: value)
      case (nil, let value?): properties.append(Property(name: name, value: value))
      case (let position?, nil): properties.remove(at: position)
      case (nil, nil): break
      }
    }
  }

  /// Sets `name` unless it was set before.
  package mutating func setDefault(_ name: String, _ value: String) {
    if self[name] == nil { self[name] = value }
  }

  /// Makes these topics unknown to the client, besides those that are hidden already.
  package mutating func hide(topics: [String]) {
    if topics.isEmpty { return }
    let patterns = [self["topic.blacklist"]].compactMap { $0 } + topics.map(TopicPattern.exactly)
    self["topic.blacklist"] = patterns.joined(separator: ",")
  }
}
