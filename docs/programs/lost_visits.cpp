// lost_visits -- two threads change the same variable without a lock
#include <iostream>
#include <thread>

// [region race]
int visits = 0;

void count() {
    for (int i = 0; i < 100000; ++i) ++visits;  // read, add 1, write back: three steps
}
// [/region race]

int main() {
    std::thread one(count), other(count);
    one.join();
    other.join();
    std::cout << visits << " of 200000\n";
}
