// exp, expm1, log1p, arctan and what is made of them, on vectors.
//
// Argument reductions are the classical ones: Cody and Waite, "Software Manual for the Elementary Functions"
// (1980), for exp; Tang, "Table-driven implementation of the logarithm function" (1990), and Ng's log1p for
// the use of s = f/(2+f). The polynomials are minimax (Remez exchange with 50 digits, weighted for the
// relative error of the result), computed for this file; the error beside each is that of the approximation
// alone.

#if LOOM_PRECISION == 32
static const float FN(log2_e) = 0x1.715476p+0f;
static const float FN(ln2_high) = 0x1.62ep-1f;  // 12 bits: its product with an exponent is exact
static const float FN(ln2_low) = 0x1.0bfbe8p-15f;
static const float FN(exp_underflow) = -104.0f;  // below half the smallest denormal
static const float FN(exp_overflow) = 89.0f;
// (exp(r) - 1 - r) / r² on |r| <= ln2/2: 3.2e-9
static const float FN(exp_coefficients)[] = {
    0x1.000000p-1f, 0x1.55548ep-3f, 0x1.55545ep-5f, 0x1.123b92p-7f, 0x1.6db462p-10f};
// (log((1+s)/(1-s)) - 2s) / s³ in s², |s| <= (√2-1)/(√2+1): 8.3e-10
static const float FN(log_coefficients)[] = {0x1.55557ap-1f, 0x1.995e3ep-2f, 0x1.31f110p-2f};
// (log(1+e) - e) / e² in e - ½ on 0 <= e <= 1: 5.1e-9
static const float FN(log1p_coefficients)[] = {
    -0x1.833704p-2f, 0x1.6f0d76p-3f, -0x1.7de0bp-4f, 0x1.a28586p-5f, -0x1.d9945ap-6f,
    0x1.10e88ap-6f, -0x1.4d80fp-7f, 0x1.c634aap-8f, -0x1.b2f244p-9f};
// (arctan(t) - t) / t³ in t², |t| <= tan(π/8): 6.6e-10
static const float FN(arctan_coefficients)[] = {
    -0x1.55554ap-2f, 0x1.9991a6p-3f, -0x1.23b636p-3f, 0x1.b1fa18p-4f, -0x1.f22b1ap-5f};
static const float FN(half_pi_high) = 0x1.921fb6p+0f;
static const float FN(half_pi_low) = -0x1.777a5cp-25f;
static const float FN(sqrt_half) = 0x1.6a09e6p-1f;
static const float FN(tan_eighth_pi) = 0x1.a8279ap-2f;
static const float FN(tan_three_eighths_pi) = 0x1.3504f4p+1f;
#else
static const double FN(log2_e) = 0x1.71547652b82fep+0;
static const double FN(ln2_high) = 0x1.62e42fefa2p-1;  // 40 bits: its product with an exponent is exact
static const double FN(ln2_low) = 0x1.9ef35793c7673p-41;
static const double FN(exp_underflow) = -746.0;
static const double FN(exp_overflow) = 710.0;
// As above: 3.5e-18
static const double FN(exp_coefficients)[] = {
    0x1.000000000000cp-1,  0x1.5555555555561p-3,  0x1.555555554fff0p-5,  0x1.111111110d5fap-7,
    0x1.6c16c185b5c66p-10, 0x1.a01a01bafa00fp-13, 0x1.a019966b2b424p-16, 0x1.71dddf925fdaap-19,
    0x1.28b06fd67c9e1p-22, 0x1.af85e8aa68591p-26};
// As above: 1.3e-18
static const double FN(log_coefficients)[] = {
    0x1.5555555555594p-1, 0x1.999999997f387p-2, 0x1.249249428c3e6p-2, 0x1.c71c5182fceccp-3,
    0x1.74665c1929236p-3, 0x1.399ea1a9aeb9cp-3, 0x1.2f261ac5f26adp-3};
// As above: 9.4e-18
static const double FN(log1p_coefficients)[] = {
    -0x1.833704d019ed0p-2, 0x1.6f0d7bd624beep-3, -0x1.7ddf1fe86aba9p-4, 0x1.a279c04c78372p-5,
    -0x1.da348248886bfp-6, 0x1.131116fc372bep-6, -0x1.44ba45d99131ep-7, 0x1.84904ec16f1d5p-8,
    -0x1.d5faf1ee77cb2p-9, 0x1.1ebd457e00e0cp-9, -0x1.6075f3fd0fd1ep-10, 0x1.b3dcfb8989d26p-11,
    -0x1.0ed0d232bd841p-11, 0x1.532db4d82a3ccp-12, -0x1.ada769cde5083p-13, 0x1.07151b3004c38p-13,
    -0x1.2a35981c35641p-14, 0x1.ba86ccca8d66bp-15, -0x1.acc741f59d37ap-15, 0x1.a8c3e4c5b59ccp-16};
// As above: 1.3e-18
static const double FN(arctan_coefficients)[] = {
    -0x1.555555555553dp-2, 0x1.9999999995858p-3,  -0x1.24924922ad663p-3, 0x1.c71c70e621bd8p-4,
    -0x1.745cf8dea6294p-4, 0x1.3b1119389a7e9p-4,  -0x1.10ebb8ae34e82p-4, 0x1.df0f41c879357p-5,
    -0x1.9cd2460a49943p-5, 0x1.37d3aa2c86126p-5,  -0x1.25643a6707832p-6};
static const double FN(half_pi_high) = 0x1.921fb54442d18p+0;
static const double FN(half_pi_low) = 0x1.1a62633145c07p-54;
static const double FN(sqrt_half) = 0x1.6a09e667f3bcdp-1;
static const double FN(tan_eighth_pi) = 0x1.a827999fcef32p-2;
static const double FN(tan_three_eighths_pi) = 0x1.3504f333f9de6p+1;
#endif

// Σ coefficients[i] xⁱ: two Horner schemes in x², for the even and the odd powers, that run side by side. The
// loops unroll to constants.
LOOM_INLINE Vector FN(polynomial)(Vector x, const Scalar *coefficients, int count) {
    const Vector square = x * x;
    Vector even = coefficients[(count - 1) / 2 * 2], odd = coefficients[count / 2 * 2 - 1];
    for (int i = (count - 1) / 2 * 2 - 2; i >= 0; i -= 2) {
        even = FN(multiply_add)(even, square, coefficients[i]);
    }
    for (int i = count / 2 * 2 - 3; i >= 1; i -= 2) {
        odd = FN(multiply_add)(odd, square, coefficients[i]);
    }
    return FN(multiply_add)(odd, x, even);
}
#define LOOM_POLYNOMIAL(x, coefficients)                                                            \
    FN(polynomial)(x, coefficients, (int)(sizeof coefficients / sizeof coefficients[0]))

// x = n ln2 + r with integer n, |r| <= ln2/2, and exp(r) - 1.
typedef struct {
    Vector n;
    Integers n_bits;  // n as an integer
    Vector exp_r_minus_one;
} FN(ExpReduction);

LOOM_INLINE FN(ExpReduction) FN(reduce_exp)(Vector x) {
    FN(ExpReduction) result;
    const Vector round = (Scalar)LOOM_ROUND_TO_INTEGER;
    const Vector shifted = FN(multiply_add)(x, FN(log2_e), round);
    result.n = shifted - round;
    result.n_bits = FN(bits)(shifted) - FN(bits)(round);
    Vector r = FN(multiply_add)(result.n, -FN(ln2_high), x);
    r = FN(multiply_add)(result.n, -FN(ln2_low), r);
    result.exp_r_minus_one = FN(multiply_add)(r * r, LOOM_POLYNOMIAL(r, FN(exp_coefficients)), r);
    return result;
}

// 2ⁿ for n in the range of normal exponents.
LOOM_INLINE Vector FN(power_of_two)(Integers n) {
    return FN(from_bits)((n + LOOM_EXPONENT_BIAS) << LOOM_MANTISSA_BITS);
}

// exp(x) for exp_underflow <= x <= exp_overflow or NaN, denormal results included.
LOOM_INLINE Vector FN(exp_in_range)(Vector x) {
    const FN(ExpReduction) reduced = FN(reduce_exp)(x);
    const Vector significand = (Scalar)1 + reduced.exp_r_minus_one;
#if defined(LOOM_AVX512_INTRINSICS) && LOOM_PRECISION == 32
    return (Vector)_mm512_scalef_ps((__m512)significand, (__m512)reduced.n);
#elif defined(LOOM_AVX512_INTRINSICS)
    return (Vector)_mm512_scalef_pd((__m512d)significand, (__m512d)reduced.n);
#else
    // Two factors, because 2ⁿ itself may be no normal number. Halving by a logical shift of a positive
    // number: a 64-bit arithmetic shift does not exist before AVX-512.
    const Integers biased = reduced.n_bits + 2 * LOOM_EXPONENT_BIAS;
    const Integers first = biased >> 1;
    const Integers second = biased - first;
    return significand * FN(from_bits)(first << LOOM_MANTISSA_BITS)
        * FN(from_bits)(second << LOOM_MANTISSA_BITS);
#endif
}

LOOM_INLINE Vector FN(exp)(Vector x) {
    return FN(exp_in_range)(FN(smaller)(FN(exp_overflow), FN(larger)(FN(exp_underflow), x)));
}
// exp(x) for x <= 0.
LOOM_INLINE Vector FN(exp_of_nonpositive)(Vector x) {
    return FN(exp_in_range)(FN(larger)(FN(exp_underflow), x));
}

// log(1 + x) for finite x >= 0, accurate for small x.
LOOM_INLINE Vector FN(log1p_of_nonnegative)(Vector x) {
    // 1 + x = 2ᵏ (1 + f) with √½ <= 1 + f < √2; f comes from x itself, so that no bit of a small x is lost.
    const Integers k = (FN(bits)((Scalar)1 + x) - FN(bits)((Vector)FN(sqrt_half))) >> LOOM_MANTISSA_BITS;
    const Vector scale = FN(power_of_two)(-k);
    const Vector f = x * scale + (scale - (Scalar)1);
    const Vector round = (Scalar)LOOM_ROUND_TO_INTEGER;
    const Vector k_scalar = FN(from_bits)(k + FN(bits)(round)) - round;
    const Vector s = f / ((Scalar)2 + f);
    const Vector square = s * s;
    const Vector rest = square * LOOM_POLYNOMIAL(square, FN(log_coefficients));
    const Vector half_square = (Scalar)0.5 * f * f;
    const Vector low = FN(multiply_add)(s, half_square + rest, k_scalar * FN(ln2_low));
    return FN(multiply_add)(k_scalar, FN(ln2_high), f - (half_square - low));
}

// log(1 + e) for 0 <= e <= 1. A polynomial of twice the length costs less than the reduction and division
// above: softplus 0.50 → 0.28 ns an element (float32, AVX-512).
LOOM_INLINE Vector FN(log1p_up_to_one)(Vector e) {
    // In e itself the even and odd powers would cancel; a half less keeps them small.
    const Vector centred = e - (Scalar)0.5;
    return FN(multiply_add)(e * e, LOOM_POLYNOMIAL(centred, FN(log1p_coefficients)), e);
}

LOOM_INLINE Vector FN(sigmoid)(Vector z) {
    const Vector e = FN(exp_of_nonpositive)(-FN(magnitude)(z));
    const Vector one = (Scalar)1;
    return FN(select)(z >= (Scalar)0, one, e) / (one + e);
}

LOOM_INLINE Vector FN(tanh)(Vector z) {
    // tanh|z| = -m / (m + 2) with m = expm1(-2|z|); below -60 the result is 1 in every bit.
    const Vector x = FN(larger)((Scalar)-60, (Scalar)-2 * FN(magnitude)(z));
    const FN(ExpReduction) reduced = FN(reduce_exp)(x);
    const Vector power = FN(power_of_two)(reduced.n_bits);
    const Vector m = FN(multiply_add)(reduced.exp_r_minus_one, power, power - (Scalar)1);
    return FN(with_sign)(-m / (m + (Scalar)2), z);
}

LOOM_INLINE Vector FN(arctan)(Vector z) {
    const Vector x = FN(magnitude)(z);
    const Vector zero = 0, one = (Scalar)1;
    const Integers large = x > FN(tan_three_eighths_pi);
    const Integers middle = x > FN(tan_eighth_pi);
    // arctan x = π/2 + arctan(-1/x) = π/4 + arctan((x-1)/(x+1)); one division serves both.
    const Vector numerator = FN(select)(large, -one, FN(select)(middle, x - one, x));
    const Vector denominator = FN(select)(large, x, FN(select)(middle, x + one, one));
    const Vector t = numerator / denominator;
    const Vector high = FN(select)(
        large, FN(half_pi_high), FN(select)(middle, FN(half_pi_high) * (Scalar)0.5, zero));
    const Vector low = FN(select)(
        large, FN(half_pi_low), FN(select)(middle, FN(half_pi_low) * (Scalar)0.5, zero));
    const Vector square = t * t;
    const Vector correction =
        FN(multiply_add)(t * square, LOOM_POLYNOMIAL(square, FN(arctan_coefficients)), low);
    return FN(with_sign)(high + (t + correction), z);
}

LOOM_INLINE Vector FN(softplus)(Vector z) {
    const Vector tail = FN(log1p_up_to_one)(FN(exp_of_nonpositive)(-FN(magnitude)(z)));
    return FN(larger)((Scalar)0, z) + tail;
}
