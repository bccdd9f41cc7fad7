/// Latency without load and under load in each direction, and its grade.
package struct BufferbloatResult: Codable, Sendable, Equatable {
    package enum Phase: String, Codable, Sendable, CaseIterable {
        case idle
        case download
        case upload
        case both

        var loadsDown: Bool { self == .download || self == .both }
        var loadsUp: Bool { self == .upload || self == .both }
    }

    package var transport: LatencyResult.Transport
    package var phases: [BufferbloatPhase]
    /// The worst grade of the loaded phases; nil if the test is inconclusive.
    package var grade: BufferbloatGrade?
    /// Why there is no grade; nil if there is one.
    package var inconclusive: String?
    /// Round trips per minute under the worst load: 60 000 / mean loaded RTT in ms. Nil if the test is inconclusive.
    package var roundTripsPerMinute: Double?
    package var gradeTable: [GradeBand]
    /// The missing phases, because one of them failed; nil if all were measured.
    package var notMeasured: [UnmeasuredPart]?

    package init(
        transport: LatencyResult.Transport,
        phases: [BufferbloatPhase],
        grade: BufferbloatGrade? = nil,
        inconclusive: String? = nil,
        roundTripsPerMinute: Double? = nil,
        gradeTable: [GradeBand] = BufferbloatGrade.table,
        notMeasured: [UnmeasuredPart]? = nil
    ) {
        self.transport = transport
        self.phases = phases
        self.grade = grade
        self.inconclusive = inconclusive
        self.roundTripsPerMinute = roundTripsPerMinute
        self.gradeTable = gradeTable
        self.notMeasured = notMeasured
    }

    /// The probe ran inside TLS: it shares the tunnel with the load, and TCP hides its losses as delay.
    package var probeInsideTLS: Bool { transport == .tunneled }

    package subscript(phase: Phase) -> BufferbloatPhase? {
        phases.first { $0.phase == phase }
    }

    private enum CodingKeys: String, CodingKey {
        case transport
        case phases
        case grade
        case inconclusive
        case roundTripsPerMinute = "round_trips_per_minute"
        case gradeTable = "grade_table"
        case notMeasured = "not_measured"
    }
}

/// One phase of a bufferbloat test.
package struct BufferbloatPhase: Codable, Sendable, Equatable {
    package var phase: BufferbloatResult.Phase
    package var latency: LatencyResult
    package var downBitsPerSecond: Double?
    package var upBitsPerSecond: Double?
    /// Mean RTT of this phase less that of the idle phase; may be negative. Nil for idle and without replies.
    package var increaseMs: Double?
    /// 95th percentile of this phase less the mean of the idle phase.
    package var p95IncreaseMs: Double?
    package var roundTripsPerMinute: Double?
    /// Nil for idle and for an inconclusive phase.
    package var grade: BufferbloatGrade?
    package var inconclusive: String?

    package init(
        phase: BufferbloatResult.Phase,
        latency: LatencyResult,
        downBitsPerSecond: Double? = nil,
        upBitsPerSecond: Double? = nil,
        increaseMs: Double? = nil,
        p95IncreaseMs: Double? = nil,
        roundTripsPerMinute: Double? = nil,
        grade: BufferbloatGrade? = nil,
        inconclusive: String? = nil
    ) {
        self.phase = phase
        self.latency = latency
        self.downBitsPerSecond = downBitsPerSecond
        self.upBitsPerSecond = upBitsPerSecond
        self.increaseMs = increaseMs
        self.p95IncreaseMs = p95IncreaseMs
        self.roundTripsPerMinute = roundTripsPerMinute
        self.grade = grade
        self.inconclusive = inconclusive
    }

    private enum CodingKeys: String, CodingKey {
        case phase
        case latency
        case downBitsPerSecond = "down_bps"
        case upBitsPerSecond = "up_bps"
        case increaseMs = "increase_ms"
        case p95IncreaseMs = "p95_increase_ms"
        case roundTripsPerMinute = "round_trips_per_minute"
        case grade
        case inconclusive
    }
}
