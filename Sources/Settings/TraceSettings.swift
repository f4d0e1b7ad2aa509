package import FoundationEssentials
internal import Sections

/// Where spans of the daemon's work go, and of how much of it.
package struct TraceSettings: Hashable, Sendable {
  /// Of an OpenTelemetry collector that takes OTLP over HTTP.
  package var url: URL
  /// The share of traces that are kept of those that begin here, 0 to 1.
  package var sampleShare: Double
  /// `service.name` of all spans.
  package var serviceName: String
  /// A file with headers for each request, such as a key; nil for none.
  package var headersFile: String?

  package init(url: URL, sampleShare: Double, serviceName: String, headersFile: String? = nil) {
    self.url = url
    self.sampleShare = sampleShare
    self.serviceName = serviceName
    self.headersFile = headersFile
  }
}

extension TraceSettings {
  /// The path of OTLP where an address names none.
  private static let standardPath = "/v1/traces"

  /// nil when the section names no collector.
  init?(_ section: SectionReader) {
    let endpoint = section.optionalText("endpoint")
    let sampleShare = section.real("sample_share", default: 0.01, in: 0...1)
    let serviceName = section.text("service_name", default: "sluice")
    let headersFile = section.optionalText("headers_file")
    section.finish()
    guard let endpoint else { return nil }
    guard let url = Self.url(endpoint) else {
      section.complain("expected an address such as http://127.0.0.1:4318", about: "endpoint")
      return nil
    }
    self.init(
      url: url, sampleShare: sampleShare, serviceName: serviceName, headersFile: headersFile)
  }

  private static func url(_ text: String) -> URL? {
    guard let url = URL(string: text), ["http", "https"].contains(url.scheme),
      url.host?.isEmpty == false, url.user == nil, url.password == nil, url.fragment == nil
    else { return nil }
    guard url.path.isEmpty || url.path == "/" else { return url }
    return URL(string: standardPath, relativeTo: url)?.absoluteURL
  }
}
