/// Reflectors that moved from a list of `paramedic`'s own into the user's address book.
package struct ReflectorTakeOver: Sendable, CustomStringConvertible {
    /// The key under which the address book remembers the move.
    static let source = "paramedic"

    /// Each reflector's name before and now: another machine may have had its name.
    package let names: [(before: String, now: String)]
    let from: String
    let to: String

    package var description: String {
        let all = names.map { $0.before == $0.now ? $0.now : "\($0.before), now \($0.now)" }
        return "took over \(names.count) reflector\(names.count == 1 ? "" : "s") from \(from) into \(to): "
            + "\(all.joined(separator: "; ")) (may be measured, nothing else)"
    }
}
