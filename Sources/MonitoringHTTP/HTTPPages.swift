/// The pages that a tool serves to monitoring programs, by path. `GET` and `HEAD` only.
package struct HTTPPages: Sendable {
    package struct Page: Sendable {
        package var isAvailable: Bool
        package var contentType: String
        package var body: String

        /// - Parameter isAvailable: status 200, else 503.
        package init(isAvailable: Bool = true, contentType: String, body: String) {
            self.isAvailable = isAvailable
            self.contentType = contentType
            self.body = body
        }
    }

    private let pages: [(path: String, make: @Sendable () async -> Page)]

    /// - Parameter pages: each page is made when it is requested.
    package init(_ pages: [(path: String, make: @Sendable () async -> Page)]) { self.pages = pages }

    /// Makes the page at `path`; nil if there is none.
    func page(at path: Substring) -> (@Sendable () async -> Page)? { pages.first { $0.path == path }?.make }

    /// The body of a 404.
    var directory: String {
        "there \(pages.count == 1 ? "is" : "are") \(pages.map(\.path).joined(separator: " and "))\n"
    }
}
