internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("Suspension")
struct SuspensionDetectorTests {
    @Test func `a client that was suspended says so, of a result and of an error`() {
        let standstill = SuspensionDetector()
        standstill.note(16, insteadOf: 1)
        #expect(standstill.words?.contains("paused for 15.0 s") == true, "\(standstill.words ?? "")")
        let error = standstill.explained(LinkClientError.unexpected("x"))
        #expect("\(error)".contains("paused for 15.0 s"))
        #expect("\(error)".contains("\(LinkClientError.unexpected("x"))"))
    }

    @Test func `a machine that is busy is not called suspended`() {
        let standstill = SuspensionDetector()
        standstill.note(3.5, insteadOf: 1)
        #expect(standstill.words == nil)
        #expect("\(standstill.explained(LinkClientError.unexpected("x")))" == "\(LinkClientError.unexpected("x"))")
    }
}
