// examples/tools/check_causes.hpp -- the likely causes that more than one exercise can name.
//
// A test names the cause of its own subject. Here are those that the engine finds by itself, from
// the way in which a program has failed.
#pragma once

#include "check_words.hpp"

namespace check::cause {

inline constexpr words one_recv{
    "The program takes one recv for one message. TCP keeps the order of the bytes, not their "
    "grouping: one recv may return a part of a message, or several messages. Receive in a loop "
    "until the message is complete, and keep what is left over.",
    "El programa toma un recv por un mensaje. TCP conserva el orden de los bytes, no su "
    "agrupación: un recv puede devolver una parte de un mensaje, o varios mensajes. Recibe en un "
    "bucle hasta que el mensaje esté completo, y guarda lo que sobre."};

inline constexpr words not_ended{
    "The client does not end at the end of what is typed (Ctrl-D). Leave the loop when reading "
    "a line fails.",
    "El cliente no acaba al final de lo tecleado (Ctrl-D). Sal del bucle cuando no se pueda "
    "leer otra línea."};

inline constexpr words answers_twice{
    "The program sends the same answer twice. Look for a second send, for example one in the loop "
    "and one behind it.",
    "El programa envía dos veces la misma respuesta. Busca un segundo send, por ejemplo uno dentro "
    "del bucle y otro detrás."};

inline constexpr words forgets_to_close{
    "The program forgets to close the connection. Call close on the socket of the client on every "
    "path, also when recv returns 0 bytes.",
    "El programa se olvida de cerrar la conexión. Llama a close en el socket del cliente en todos "
    "los caminos, también cuando recv devuelve 0 bytes."};

inline constexpr words spins{
    "The program loops without waiting: it uses the processor all the time. After the end of the "
    "stream each recv returns 0 bytes at once, for ever. 0 bytes mean: the peer has closed, so "
    "leave the loop.",
    "El programa da vueltas sin esperar: usa el procesador todo el tiempo. Tras el fin del flujo, "
    "cada recv devuelve 0 bytes al instante, para siempre. 0 bytes significan: el otro extremo ha "
    "cerrado, así que sal del bucle."};

inline constexpr words sigpipe{
    "The program was ended by the signal SIGPIPE: it has sent to a connection that the peer had "
    "closed. Call send with MSG_NOSIGNAL, or ignore the signal, and treat EPIPE as the end of this "
    "client.",
    "La señal SIGPIPE terminó el programa: envió por una conexión que el otro extremo había "
    "cerrado. Llama a send con MSG_NOSIGNAL, o ignora la señal, y trata EPIPE como el final de ese "
    "cliente."};

inline constexpr words crashed{
    "The program has ended, and a server must not: an error of one client ended all. Catch the "
    "errors of each client where you serve it, and continue with the next one.",
    "El programa ha terminado, y un servidor no debe: un error de un cliente terminó con todo. "
    "Captura los errores de cada cliente donde lo atiendes, y sigue con el siguiente."};

inline constexpr words segmentation{
    "The program accessed memory that is not its own (segmentation fault). Check the sizes of the "
    "buffers against the lengths that come from the network.",
    "El programa accedió a memoria que no es suya (segmentation fault). Compara los tamaños de los "
    "búferes con las longitudes que llegan de la red."};

inline constexpr words cannot_run{
    "The shell cannot run this command. Is the path right, and is the program built and "
    "executable?",
    "La consola no puede ejecutar esta orden. ¿Es correcta la ruta, y está el programa compilado y "
    "es ejecutable?"};

inline constexpr words not_listening{
    "Nothing listens at this address. Does the program take the port from its command line, and "
    "does it listen on 127.0.0.1 or on 0.0.0.0?",
    "Nada escucha en esta dirección. ¿Toma el programa el puerto de la línea de órdenes, y escucha "
    "en 127.0.0.1 o en 0.0.0.0?"};

inline constexpr words no_connection{
    "The client did not connect. Does it take host and port from its command line, and does it "
    "wait for something else before it connects?",
    "El cliente no se conectó. ¿Toma el host y el puerto de la línea de órdenes, y espera otra "
    "cosa antes de conectarse?"};

inline constexpr words reuse_address{
    "The port is still taken: the option SO_REUSEADDR is missing. The connections of the old "
    "server "
    "stay in the state TIME_WAIT for a minute. Call setsockopt with SO_REUSEADDR before bind.",
    "El puerto sigue ocupado: falta la opción SO_REUSEADDR. Las conexiones del servidor anterior "
    "quedan un minuto en el estado TIME_WAIT. Llama a setsockopt con SO_REUSEADDR antes de bind."};

inline constexpr words partial_send{
    "The program loses what send did not take. send may take only a part of the bytes, and returns "
    "how many: send the rest in a loop, or keep it until the socket is writable.",
    "El programa pierde lo que send no aceptó. send puede aceptar solo una parte de los bytes, y "
    "devuelve cuántos: envía el resto en un bucle, o guárdalo hasta que el socket admita más."};

inline constexpr words slow_reader{
    "One client that does not read its answers blocks the program for all: it waits in send. Use "
    "sockets that do not block, and keep for each client what could not be sent yet.",
    "Un cliente que no lee sus respuestas bloquea el programa para todos: espera en send. Usa "
    "sockets que no bloquean, y guarda para cada cliente lo que aún no se pudo enviar."};

inline constexpr words one_at_a_time{
    "The program serves one client at a time: a client that is silent keeps all others waiting. "
    "Wait for all sockets at once (select, poll), or serve each client in a thread.",
    "El programa atiende a un solo cliente a la vez: un cliente callado hace esperar a todos los "
    "demás. Espera a todos los sockets a la vez (select, poll), o atiende a cada cliente en un "
    "hilo."};

inline constexpr words not_a_stream{
    "The program changes the bytes. It may treat them as text: a line feed cut off or added, a "
    "buffer that ends at the byte 0, or an encoding.",
    "El programa cambia los bytes. Quizá los trata como texto: un salto de línea quitado o "
    "añadido, un búfer que acaba en el byte 0, o una codificación."};

inline constexpr words no_answer{
    "The program waits for more than has come, or it does not send at all: a recv that wants a "
    "fixed size, a line feed that it expects, or output in a buffer without flush.",
    "El programa espera más de lo que ha llegado, o no envía nada: un recv que quiere un tamaño "
    "fijo, un salto de línea que espera, o una salida en un búfer sin flush."};

inline constexpr words left_early{
    "The program closes the connection too early. Does it serve the client in a loop, until recv "
    "returns 0 bytes?",
    "El programa cierra la conexión demasiado pronto. ¿Atiende al cliente en un bucle, hasta que "
    "recv devuelve 0 bytes?"};

inline constexpr words reset_on_close{
    "The program closed while bytes that it had not read were waiting: then the system sends a "
    "reset, and the answer may be lost. Read the rest before close, or call shutdown first.",
    "El programa cerró mientras había bytes sin leer: entonces el sistema envía un reset, y la "
    "respuesta puede perderse. Lee el resto antes de close, o llama primero a shutdown."};

}  // namespace check::cause
