/// What limits the link, in plain words.
package struct Verdict: Codable, Sendable, Equatable {
    package enum Limit: String, Codable, Sendable, CaseIterable {
        /// Something between the two machines: the line, a router, a provider.
        case link
        case reflector
        case thisMachine = "this_machine"
        /// Encryption and forwarding inside the control connection.
        case tunnel
        case inconclusive
    }

    package var limit: Limit
    package var sentence: String
    /// What supports it and what else was seen; the decisive reasons first.
    package var reasons: [String]
    /// The bufferbloat grade, if there is one.
    package var grade: BufferbloatGrade?

    package init(limit: Limit, sentence: String, reasons: [String], grade: BufferbloatGrade? = nil) {
        self.limit = limit
        self.sentence = sentence
        self.reasons = reasons
        self.grade = grade
    }
}

extension Verdict {
    /// The verdict on an examination: the first rule of ``VerdictRule/table`` that finds something and names a limit
    /// decides. Everything that any rule finds is a reason.
    package init(on examination: Examination) {
        let evidence = VerdictEvidence(examination)
        let findings = VerdictRule.table.compactMap { rule in
            rule.finding(evidence).map { (rule: rule, text: $0) }
        }
        let deciding = findings.first { $0.rule.limit != nil }
        let limit = deciding?.rule.limit ?? .inconclusive
        let supporting = findings.filter { $0.rule.limit == limit }
        let others = findings.filter {
            $0.rule.limit != limit && $0.rule.limit != .inconclusive && !$0.rule.isFallback
        }
        var reasons = (supporting + others).map(\.text)
        if deciding == nil {
            reasons.insert("No measurement points at a single limit.", at: 0)
        }
        self.init(
            limit: limit,
            sentence: Self.sentence(limit, carried: evidence.carried, isLoopback: evidence.isLoopback),
            reasons: reasons,
            grade: examination.bufferbloat?.grade
        )
    }

    private static func sentence(_ limit: Limit, carried: String, isLoopback: Bool) -> String {
        if isLoopback, !carried.isEmpty {
            return "Both ends are on this machine, which moves \(carried) to itself; no link was measured."
        }
        return switch limit {
        case .link: "The link is the limit: it carries \(carried)."
        case .reflector: "The reflector is the limit at \(carried); the link may carry more."
        case .thisMachine: "This machine is the limit at \(carried); the link may carry more."
        case .tunnel: "The encrypted tunnel is the limit at \(carried); measure in direct mode to see the link."
        case .inconclusive:
            carried.isEmpty
                ? "The link could not be judged."
                : "The link carries at least \(carried); what limits it is unknown."
        }
    }
}
