// Members of namespaces and classes: the source of seeds whose debug information is mutated.
namespace shop {
inline namespace first {
template <typename T> struct basket {
    T sum;
    static volatile int touched;
    [[gnu::noinline]] T add(T amount, const char *name) {
        struct local {
            static T twice(T x) {
                touched = touched + 1;
                return x + x;
            }
        };
        return sum += local::twice(amount) + *name;
    }
};
template <typename T> volatile int basket<T>::touched;
} // namespace first
static inline long inner(basket<long> &basket, long x) { return basket.add(x, "inner"); }
long outer(basket<long> &basket, long x) { return inner(basket, x) + 1; }
} // namespace shop
