import Foundation
import Testing

import HTTPClient

extension HTTPRequest {
  /// A request to an address.
  static func to(
    _ url: String, headers: [String: String] = [:], body: Data? = nil, seconds: Double = 60
  ) throws -> HTTPRequest {
    HTTPRequest(
      url: try #require(URL(string: url)), headers: headers, body: body, timeout: .seconds(seconds))
  }
}

extension HTTPAnswer {
  var text: String { String(decoding: body, as: UTF8.self) }
}
