// Written by bench/make_tables.py, which explains it; used by log1p in exponentials.hpp.
#pragma once

// clang-format off
namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
struct LogTable;

// Relative error of the polynomial, before rounding: 2^-31.2.
template <>
struct LogTable<float> {
  alignas(64) static constexpr float kCentre[16] = {0.f, 0x1.0d3978p-4f, 0x1.10ae2ep-3f, 0x1.97bd78p-3f, 0x1.10c39cp-2f, 0x1.545fc2p-2f, 0x1.990816p-2f, 0x1.dd2c58p-2f, 0x1.10b58p-1f, 0x1.33261ap-1f, 0x1.55199ep-1f, 0x1.77608ap-1f, 0x1.9984bcp-1f, 0x1.bb63a8p-1f, 0x1.dd9512p-1f, 0x1.ff8108p-1f};
  alignas(64) static constexpr float kInverse[16] = {0x1p0f, 0x1.e06c28p-1f, 0x1.c3d704p-1f, 0x1.aafd64p-1f, 0x1.944e0ap-1f, 0x1.80451ep-1f, 0x1.6ddbfep-1f, 0x1.5d408ep-1f, 0x1.4e10b4p-1f, 0x1.40051ep-1f, 0x1.3348b4p-1f, 0x1.276a18p-1f, 0x1.1c7838p-1f, 0x1.12626ep-1f, 0x1.08e758p-1f, 0x1.001fc2p-1f};  // 1 / (1 + kCentre)
  alignas(64) static constexpr float kValue[16] = {0.f, 0x1.04bf04p-4f, 0x1.fffc8cp-4f, 0x1.73d814p-3f, 0x1.e3a57cp-3f, 0x1.25dde2p-2f, 0x1.582438p-2f, 0x1.87b60ep-2f, 0x1.b53c6cp-2f, 0x1.e13842p-2f, 0x1.05671ap-1f, 0x1.199272p-1f, 0x1.2ce6c8p-1f, 0x1.3f61f6p-1f, 0x1.5162fcp-1f, 0x1.62a4bp-1f};  // log(1 + kCentre)
  // kCoefficient[k] is that of t^(k+2).
  static constexpr float kCoefficient[] = {-0x1.fffffcp-2f, 0x1.55556ap-2f, -0x1.0039fcp-2f, 0x1.98d9ecp-3f};
  // log 2 in two parts, of which the first times an exponent is exact.
  static constexpr float kLn2 = 0x1.62e4p-1f, kLn2Rest = 0x1.7f7d1cp-20f;
};

// Relative error of the polynomial, before rounding: 2^-61.4.
template <>
struct LogTable<double> {
  alignas(64) static constexpr double kCentre[16] = {0.0, 0x1.0ff27a857406fp-4, 0x1.10a6fdef2c65dp-3, 0x1.98949b29d4276p-3, 0x1.1109e1c72d004p-2, 0x1.54bcf55329085p-2, 0x1.9955056f05984p-2, 0x1.dd53dc6f79b28p-2, 0x1.10c84f3e9e424p-1, 0x1.333074a77d537p-1, 0x1.54fcd5a93f75p-1, 0x1.77077ab188f85p-1, 0x1.99814d3037875p-1, 0x1.bba2a60f6b7e9p-1, 0x1.dddadc3bd89a7p-1, 0x1.ff7e63ab0c24bp-1};
  alignas(64) static constexpr double kInverse[16] = {0x1p0, 0x1.e01f7e5aefdedp-1, 0x1.c3d86a17dabbep-1, 0x1.aad7ff3591d7cp-1, 0x1.94382240241c5p-1, 0x1.802adfc98a333p-1, 0x1.6dc85ae124e8bp-1, 0x1.5d375cab75783p-1, 0x1.4e08b238f04c5p-1, 0x1.4001126f7e668p-1, 0x1.3353128c26efcp-1, 0x1.2787c0fb1dc7dp-1, 0x1.1c7947306254dp-1, 0x1.125057b70d822p-1, 0x1.08d4aa994066cp-1, 0x1.00206b2fb0bdap-1};  // 1 / (1 + kCentre)
  alignas(64) static constexpr double kValue[16] = {0.0, 0x1.074cd566c60b2p-4, 0x1.ffefdc40e416ep-4, 0x1.748b76de7d91cp-3, 0x1.e414748b8c0a6p-3, 0x1.2623d2b0ac482p-2, 0x1.585b3046cf89ap-2, 0x1.87d102659f7f3p-2, 0x1.b554f74f3da6ap-2, 0x1.e14533725683dp-2, 0x1.0555d37fbe603p-1, 0x1.195f0ca78ad9fp-1, 0x1.2ce4dfb73b0f3p-1, 0x1.3f83b6f6818abp-1, 0x1.5187168990049p-1, 0x1.62a35daae23f2p-1};  // log(1 + kCentre)
  // kCoefficient[k] is that of t^(k+2).
  static constexpr double kCoefficient[] = {-0x1p-1, 0x1.55555555554c7p-2, -0x1.0000000000878p-2, 0x1.9999999c125ccp-3, -0x1.5555553e8b9dap-3, 0x1.24922d943a1ebp-3, -0x1.00008c6c49ecdp-3, 0x1.c8100bdc66682p-4, -0x1.97d8555defb96p-4};
  // log 2 in two parts, of which the first times an exponent is exact.
  static constexpr double kLn2 = 0x1.62e42fefa38p-1, kLn2Rest = 0x1.ef35793c7673p-45;
};

}  // namespace
}  // namespace fastnn::FASTNN_ISA
// clang-format on
