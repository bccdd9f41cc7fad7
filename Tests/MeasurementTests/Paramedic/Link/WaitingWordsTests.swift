internal import Identity
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("What a denied client says")
struct WaitingWordsTests {
    private let busy = SessionDeny(
        reason: .busy,
        message: "another test is running; try again when it has ended",
        retryAfterSec: 25
    )
    private let limited = SessionDeny(
        reason: .rateLimited,
        message: "the limit of 10 tests an hour is used up; try again in 3000 s",
        retryAfterSec: 3_000
    )

    @Test func `a wait for a busy reflector says how long at most, and how long in all`() {
        #expect(
            "\(ExaminerNotice.waiting(seconds: 25, for: busy, patience: 60))"
                == "waiting 25 s, the longest that it expects to be busy: another test is running (at most 60 s in all, see --wait)"
        )
        #expect(
            "\(ExaminerNotice.waiting(seconds: 3_000, for: limited, patience: 4_000))"
                == "waiting 3000 s: the limit of 10 tests an hour is used up"
        )
    }

    @Test func `a denial that was not waited for says how long that would take, and with which option`() {
        #expect(
            "\(LinkClientError.denied(busy))"
                == "the reflector denied the test (busy): another test is running; it is free in at most 25 s, "
                + "and --wait 25 waits that long"
        )
        #expect(
            "\(LinkClientError.denied(limited))".hasSuffix(
                "it is allowed again in 3000 s, and --wait 3000 waits that long"
            )
        )
    }

    @Test func `a denial without a time, or with one not worth a wait, keeps the reflector's words`() {
        for time in [nil, 0, -1, 86_401, Int.max] {
            var deny = busy
            deny.retryAfterSec = time
            #expect(
                "\(LinkClientError.denied(deny))".hasSuffix(
                    "(busy): another test is running; try again when it has ended"
                )
            )
        }
        var quota = busy
        quota.reason = .quotaExceeded
        #expect("\(LinkClientError.denied(quota))".hasSuffix("; try again when it has ended"))
    }
}
