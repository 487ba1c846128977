import COpenSSL
import LoomKernels

extension ParameterBuffer {
    /// SHA-256 over the parameters' bytes, tensor by tensor in the order of the layout and row by row as in a checkpoint,
    /// as hexadecimal digits.
    public var hash: String {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "libcrypto has SHA-256")
        for index in layout.tensors.indices {
            for row in rows(index) {
                _ = EVP_DigestUpdate(context, row, row.count * MemoryLayout<Scalar>.stride)
            }
        }
        _ = EVP_DigestFinal_ex(context, &digest, &length)
        return digest.prefix(Int(length)).map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
    }
}
